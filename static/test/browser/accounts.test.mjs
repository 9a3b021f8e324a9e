// The pages of accounts in a real browser, against the real server.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, openPage, signIn, startBrowser, startPortal, startServer, startStranger } from "./support.mjs";

const HOSTILE = `"><img src=x onerror="document.title='owned'">`;
/** What Chromium itself writes to the console when an answer is a refusal, as the tests want it. */
const REFUSED = /^Failed to load resource: .* status of 401/;

/** What the server says to a page: the status of an answer, and its JSON where it has one. */
function call(page, method, path, body) {
  return page.evaluate(
    async ([method, path, body]) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
      return { status: answer.status, body: await answer.json() };
    },
    [method, path, body],
  );
}

test("a wrong password is refused in words, the right one leads to where one wanted to go", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const { page, mistakes } = await openPage(await startBrowser(t));
  await page.goto(`${address}/tokens`);
  await page.waitForURL("**/login?return_to=tokens");

  await signIn(page, "alice", "not the password");
  await page.getByText("The name or the password is wrong.").waitFor();
  await signIn(page, "alice");
  await page.waitForURL(`${address}/tokens`);
  await page.getByRole("heading", { name: "Tokens" }).waitFor();

  assert.deepEqual(mistakes.filter((text) => !REFUSED.test(text)), []);
});

test("guessing is slowed down, and the page says for how long", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const { page } = await openPage(await startBrowser(t));
  await page.goto(`${address}/login`);
  const refusal = page.locator(".refusal");

  let said = "";
  for (let guess = 0; guess < 10 && !said.startsWith("Too many"); guess += 1) {
    const answer = page.waitForResponse((response) => response.request().method() === "POST");
    await signIn(page, "alice", `guess ${guess}`);
    await answer;
    await page.locator(".refusal:not(:empty)").waitFor();
    said = await refusal.innerText();
  }

  assert.match(said, /^Too many failed attempts to sign in; try again in \d+ s\.$/);
});

test("the cookie is for the server alone", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const { context, page } = await openPage(await startBrowser(t));
  await page.goto(`${address}/login`);
  await signIn(page, "alice");
  await page.waitForURL(`${address}/`);

  const [cookie, ...others] = await context.cookies();
  assert.deepEqual(others, []);
  const { name, httpOnly, sameSite, path, expires } = cookie;
  assert.deepEqual(
    { name, httpOnly, sameSite, path, expires },
    { name: "windvane_session", httpOnly: true, sameSite: "Strict", path: "/", expires: -1 },
  );
  assert.equal(await page.evaluate(() => document.cookie), "");
});

test("nobody is led to another server after signing in", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const browser = await startBrowser(t);
  for (const asked of ["//evil.example", "https:evil.example", "\\\\evil.example", "/\\evil.example", "%2F%2Fevil.example"]) {
    const { context, page } = await openPage(browser);
    await page.goto(`${address}/login?return_to=${encodeURIComponent(asked)}`);
    await signIn(page, "alice");
    await page.waitForURL(`${address}/`);
    await context.close();
  }
});

test("a login token is made at /seed and taken by /refreshtoken", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const { page, mistakes } = await openPage(await startBrowser(t));
  await page.goto(`${address}/seed`);
  await page.waitForURL("**/login?return_to=seed");
  await signIn(page, "alice");
  await page.waitForURL(`${address}/seed`);

  await page.getByRole("button", { name: "Make a login token" }).click();
  const token = await page.locator(".made code").first().innerText();

  assert.match(token, /^wv_\S+$/);
  assert.equal((await call(page, "POST", "refreshtoken", { refresh_token: token })).body.status, "OK");
  assert.equal((await call(page, "POST", "refreshtoken", { refresh_token: `${token}x` })).body.status, "ERROR");
  assert.deepEqual(mistakes, []);
});

test("a token is made, works, is listed and revoked", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const { page, mistakes } = await openPage(await startBrowser(t));
  await page.goto(`${address}/login?return_to=tokens`);
  await signIn(page, "alice");
  await page.getByText("You have no token.").waitFor();

  await page.getByLabel("Name", { exact: true }).fill(HOSTILE);
  await page.getByRole("button", { name: "Make a token" }).click();
  const token = await page.locator(".made code").first().innerText();
  const row = page.getByRole("row").filter({ hasText: HOSTILE });
  await row.waitFor();
  const ask = () => fetch(`${address}/api/windvane/v1/experiments`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await ask()).status, 200);

  await row.getByRole("button").click();
  await page.keyboard.press("Tab");
  assert.match(await row.getByRole("button").getAttribute("aria-label"), /^Revoke /, "whoever goes elsewhere did not mean it");
  await row.getByRole("button").click();
  await page.getByRole("button", { name: "Really revoke" }).click();
  await page.getByText("You have no token.").waitFor();

  assert.equal((await ask()).status, 401);
  assert.deepEqual(mistakes, []);
});

test("one changes one's password and stays signed in here alone", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const browser = await startBrowser(t);
  const [here, there] = [await openPage(browser), await openPage(browser)];
  for (const { page } of [here, there]) {
    await page.goto(`${address}/login?return_to=tokens`);
    await signIn(page, "alice");
    await page.waitForURL(`${address}/tokens`);
  }

  await here.page.getByLabel("Present password").fill(PASSWORD);
  await here.page.getByLabel("New password", { exact: true }).fill("another horse battery");
  await here.page.getByLabel("New password again").fill("another horse battery");
  await here.page.getByRole("button", { name: "Change" }).click();
  await here.page.getByText("Changed. Other browsers are signed out.").waitFor();

  assert.equal((await call(here.page, "GET", "api/windvane/v1/tokens")).status, 200);
  assert.equal((await call(there.page, "GET", "api/windvane/v1/tokens")).status, 401);
});

test("who signs out is out, and the first page says where to sign in", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const { page, mistakes } = await openPage(await startBrowser(t));
  await page.goto(`${address}/login`);
  await signIn(page, "alice");
  await page.waitForURL(`${address}/`);
  await page.getByText("No run has been logged yet.").waitFor();
  await page.getByText("MLFLOW_TRACKING_TOKEN").waitFor();
  assert.equal((await call(page, "GET", "api/windvane/v1/experiments")).status, 200);

  await page.getByText("Alice").click();
  await page.getByRole("button", { name: "Sign out" }).click();
  // Only the page that is loaded anew offers that in its bar; the one before may hear already that it sees nothing any more.
  await page.getByRole("banner").getByRole("link", { name: "Sign in" }).waitFor();
  await page.getByText("Sign in to see the experiments.").waitFor();

  assert.equal((await call(page, "GET", "api/windvane/v1/experiments")).status, 401);
  assert.equal(await page.getByRole("link", { name: "Sign in" }).count(), 2);
  assert.deepEqual(mistakes.filter((text) => !REFUSED.test(text)), []);
});

test("a page of another origin reads nothing with the cookie and changes nothing", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const port = await startStranger(t);
  const { page } = await openPage(await startBrowser(t));
  await page.goto(`${address}/login?return_to=tokens`);
  await signIn(page, "alice");
  await page.getByText("You have no token.").waitFor();

  // Another port of this machine has the cookie sent along, for it is the same site; another name has not.
  for (const origin of [`http://127.0.0.1:${port}`, `http://localhost:${port}`, `http://evil.example:${port}`]) {
    await page.goto(origin);
    const answers = await page.evaluate(attack, address);
    assert.doesNotMatch(JSON.stringify(answers), /alice/i, origin);
    for (const [what, { status }] of Object.entries(answers)) {
      // 0: the browser did not let the page see an answer.
      assert.ok([0, 401, 403].includes(status) || what === "session", `${origin}: ${what}: ${status}`);
    }
    // A form needs nobody's leave to be sent.
    await page.evaluate((address) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: `${address}/api/2.0/mlflow/experiments/create`, enctype: "text/plain" });
      form.append(Object.assign(document.createElement("input"), { name: '{"name":"', value: 'theirs"}' }));
      document.body.append(form);
      form.submit();
    }, address);
    await page.waitForURL(`${address}/**`);

    await page.goto(`${address}/tokens`);
    await page.getByText("You have no token.").waitFor();
    const { body } = await call(page, "GET", "api/windvane/v1/experiments");
    assert.doesNotMatch(JSON.stringify(body), /theirs/, origin);
  }
});

/** Runs in the page of a stranger: tries what its browser lets it try. */
async function attack(address) {
  const json = { "content-type": "application/json" };
  const own = `${address}/api/windvane/v1`;
  const tries = {
    session: [`${own}/session`, {}],
    tokens: [`${own}/tokens`, {}],
    experiments: [`${own}/experiments`, {}],
    makeToken: [`${own}/tokens`, { method: "POST", headers: json, body: '{"name":"theirs"}' }],
    makeTokenSimply: [`${own}/tokens`, { method: "POST", mode: "no-cors", body: '{"name":"theirs"}' }],
    create: [`${address}/api/2.0/mlflow/experiments/create`, { method: "POST", headers: json, body: '{"name":"theirs"}' }],
    signOut: [`${own}/session`, { method: "DELETE" }],
    signInAsOther: [`${own}/session`, { method: "POST", headers: json, body: '{"name":"mallory","password":"x"}' }],
  };
  const answers = {};
  for (const [what, [url, options]] of Object.entries(tries)) {
    answers[what] = await fetch(url, { credentials: "include", ...options }).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
      () => ({ status: 0 }),
    );
  }
  return answers;
}

test("below a prefix everything is where it belongs", async (t) => {
  const address = await startServer(t, { alice: "Alice" }, ["--prefix", "/track"]);
  assert.ok(address.endsWith("/track"), address);
  const { context, page, mistakes } = await openPage(await startBrowser(t));
  await page.goto(`${address}/seed`);
  await page.waitForURL(`${address}/login?return_to=seed`);
  await signIn(page, "alice");
  await page.waitForURL(`${address}/seed`);
  await page.getByRole("button", { name: "Make a login token" }).click();
  const token = await page.locator(".made code").first().innerText();

  assert.equal((await call(page, "POST", "refreshtoken", { refresh_token: token })).body.status, "OK");
  assert.equal((await context.cookies(address))[0].path, "/track");
  await page.goto(`${address}/`);
  await page.getByText("No run has been logged yet.").waitFor();
  assert.deepEqual(mistakes, []);
});

test("below a path that a portal takes off everything is where it belongs", async (t) => {
  const address = await startServer(t, { alice: "Alice" });
  const portal = `http://127.0.0.1:${await startPortal(t, address, "/node/n1/5000")}/node/n1/5000`;
  const { page, mistakes } = await openPage(await startBrowser(t));
  await page.goto(`${portal}/tokens`);
  await page.waitForURL(`${portal}/login?return_to=tokens`);
  await signIn(page, "alice");
  await page.waitForURL(`${portal}/tokens`);
  await page.getByText("You have no token.").waitFor();

  await page.getByRole("link", { name: "Windvane" }).click();
  await page.waitForURL(`${portal}/`);
  await page.getByText("No run has been logged yet.").waitFor();
  assert.deepEqual(mistakes, []);
});

test("over plain HTTP, where browsers allow less, signing in and copying work", async (t) => {
  const local = await startServer(t, { alice: "Alice" }, ["--allowed-hosts", "track.example"]);
  const address = local.replace("127.0.0.1", "track.example");
  const { page, mistakes } = await openPage(await startBrowser(t));
  await page.goto(`${address}/login?return_to=seed`);
  assert.equal(await page.evaluate(() => isSecureContext), false);

  // A dialog of the browser's own would stand before the page and keep the answer from it.
  await signIn(page, "alice", "not the password");
  await page.getByText("The name or the password is wrong.").waitFor();
  await signIn(page, "alice");
  await page.waitForURL(`${address}/seed`);
  await page.getByRole("button", { name: "Make a login token" }).click();
  const copy = page.getByRole("button", { name: "Copy the token" });
  await copy.evaluate((button) => {
    document.addEventListener("copy", (event) => (window.copied = event.target.value));
    // It says so for two seconds, which may be over before anybody looks.
    const look = () => (window.said ||= button.innerText.startsWith("Copied"));
    new MutationObserver(look).observe(button, { subtree: true, childList: true, characterData: true });
  });
  await copy.click();
  await page.waitForFunction(() => window.said);

  assert.equal(await page.evaluate(() => window.copied), await page.locator(".made code").first().innerText());
  assert.deepEqual(mistakes.filter((text) => !REFUSED.test(text)), []);
});

test("a hostile name is shown as text", async (t) => {
  const address = await startServer(t, { alice: HOSTILE });
  const { page, mistakes } = await openPage(await startBrowser(t));
  await page.goto(`${address}/login`);
  await signIn(page, "alice");
  await page.waitForURL(`${address}/`);

  for (const path of ["", "login", "tokens", "seed"]) {
    await page.goto(`${address}/${path}`);
    await page.getByRole("banner").getByRole("button").filter({ hasText: HOSTILE }).waitFor();
    assert.equal(await page.locator("img[src=x]").count(), 0, path);
    assert.notEqual(await page.title(), "owned", path);
  }
  assert.deepEqual(mistakes, []);
});

test("a server without accounts says so", async (t) => {
  const address = await startServer(t);
  const { page, mistakes } = await openPage(await startBrowser(t));
  for (const [path, words] of [
    ["login", "This server has no accounts"],
    ["seed", "any text works as the token"],
    ["tokens", "clients need no token"],
  ]) {
    await page.goto(`${address}/${path}`);
    await page.getByText(words).waitFor();
    assert.equal(new URL(page.url()).pathname, `/${path}`);
  }
  await page.goto(`${address}/`);
  await page.getByText("No run has been logged yet.").waitFor();
  assert.equal(await page.getByRole("link", { name: "Sign in" }).count(), 0);
  assert.deepEqual(mistakes, []);
});
