// The pages of administration and settings: on an open server, for administrators, for managers of one experiment and for others.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { IMG, UNSEEN, WORD } from "./hostile.mjs";
import { call, makeExperiment, makeRun } from "./seed.mjs";
import { PASSWORD, accessibilityFindings, command, openPage, settled, signIn, startBrowser, startServer } from "./support.mjs";
import { as, openAs, startTeam } from "./team.mjs";

/** A hostile name that is short enough to be shown in one piece. */
const BOLD = `"><img src=x onerror=a>`;

const shared = { ends: [], after: (end) => shared.ends.unshift(end) };
let browser;

before(async () => {
  browser = await startBrowser(shared);
});

after(async () => {
  for (const end of shared.ends) await end();
});

/** The row of a table whose head is this name. */
function rowOf(page, name) {
  return page.getByRole("row").filter({ has: page.getByRole("rowheader", { name, exact: true }) });
}

function heading(page, name) {
  return page.getByRole("heading", { level: 1, name });
}

/** The mistakes but those that Chromium itself writes where the server refuses, as the tests want it. */
function unmeant(mistakes) {
  return mistakes.filter((text) => !/^Failed to load resource: .* status of 40[0-9]/.test(text));
}

test("accounts are added, changed and removed", async (t) => {
  const { address } = await startTeam(t, { shown: IMG });
  const { page, mistakes } = await openAs(t, browser, address, "ada", "#/admin/users");
  await rowOf(page, "ada you").getByText(IMG).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  const dialog = page.getByRole("dialog");
  const act = async (name, what) => {
    await page.getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("button", { name: what, exact: true }).click();
  };

  await page.getByRole("button", { name: "Add an account" }).click();
  const name = dialog.getByLabel("Name", { exact: true });
  await name.fill("not a name");
  await dialog.getByLabel("Shown as (optional)").fill(UNSEEN);
  await dialog.getByText("windvane user add 'not a name' --display-name").waitFor();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByText("Invalid name of an account: 'not a name'").waitFor();
  assert.equal(await name.getAttribute("aria-invalid"), "true");
  assert.equal(await name.evaluate((field) => document.activeElement === field), true);
  assert.equal(await name.inputValue(), "not a name");
  assert.deepEqual(await accessibilityFindings(page), []);
  await name.fill("rita");
  await page.keyboard.press("Enter");
  await dialog.getByText("The name 'rita' is taken.").waitFor();

  await name.fill("zoe");
  await dialog.getByRole("button", { name: "Typed here" }).click();
  const password = dialog.getByLabel("The password");
  await password.fill("short");
  await page.keyboard.press("Enter");
  await dialog.getByText("'password' has 5 characters; 12 to 256 are allowed.").waitFor();
  assert.equal(await password.getAttribute("aria-invalid"), "true");
  await dialog.getByRole("button", { name: "Made for them" }).click();
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  const made = await dialog.locator("pre").innerText();
  assert.match(made, /^([a-z2-9]{5}-){3}[a-z2-9]{5}$/);
  assert.deepEqual(await accessibilityFindings(page), []);
  await dialog.getByRole("button", { name: "Done" }).click();
  await rowOf(page, "zoe").getByText("password").waitFor();
  assert.equal(await page.getByText(made).count(), 0);
  const basic = { authorization: `Basic ${Buffer.from(`zoe:${made}`).toString("base64")}` };
  assert.equal((await (await fetch(`${address}/api/windvane/v1/session`, { headers: basic })).json()).user.name, "zoe");

  await act("zoe", "Change name and mail…");
  await dialog.getByLabel("Shown as").fill(WORD);
  await page.keyboard.press("Enter");
  await dialog.getByText("'display_name' has 10000 characters; at most 200 are allowed.").waitFor();
  await dialog.getByLabel("Shown as").fill("Zoe Z");
  await page.keyboard.press("Enter");
  await rowOf(page, "zoe").getByText("Zoe Z").waitFor();

  await act("zoe", "Make administrator");
  await rowOf(page, "zoe").getByText("admin", { exact: true }).waitFor();
  await act("zoe", "No longer administrator");
  await rowOf(page, "zoe").getByText("admin", { exact: true }).waitFor({ state: "detached" });
  await act("ada", "No longer administrator");
  await page.getByText("The change failed: this is the last administrator; make another one before.").waitFor();

  await act("zoe", "New password…");
  await dialog.getByRole("button", { name: "Typed here" }).click();
  await dialog.getByLabel("The password").fill(PASSWORD);
  await page.keyboard.press("Enter");
  await dialog.waitFor({ state: "detached" });
  await as(address, "zoe", "GET", "api/windvane/v1/tokens");

  await act("zoe", "Remove…");
  await dialog.getByText("windvane user remove zoe").waitFor();
  await dialog.getByRole("button", { name: "Remove", exact: true }).click();
  await rowOf(page, "zoe").waitFor({ state: "detached" });
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(unmeant(mistakes), []);
});

test("an administrator gives roles anywhere", async (t) => {
  const { address, experiments } = await startTeam(t, { names: ["aifs", IMG] });
  const { page, mistakes } = await openAs(t, browser, address, "ada", "#/admin/roles");
  const who = page.getByLabel("Who", { exact: true });
  await rowOf(page, "max").getByText("aifs").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);

  await who.fill("nobody");
  await page.keyboard.press("Enter");
  await page.getByText("There is no account or group 'nobody'.").waitFor();
  assert.equal(await who.getAttribute("aria-invalid"), "true");
  await who.fill("everyone");
  await page.getByText("windvane role give everyone reader --everywhere").waitFor();
  await page.keyboard.press("Enter");
  await rowOf(page, "everyone who signs in").getByText("Everywhere").waitFor();

  await page.getByLabel("Roles in").selectOption(IMG);
  await page.waitForURL(`**#/admin/roles/${experiments[IMG]}`);
  await rowOf(page, "ada").waitFor();
  await who.fill("rita");
  await page.getByRole("combobox", { name: "May", exact: true }).selectOption("editor");
  await page.getByRole("button", { name: "Give the role" }).click();
  const may = page.getByLabel(`What rita may do, ${IMG}`);
  await may.waitFor();
  assert.equal(await may.inputValue(), "editor");
  await may.selectOption("manager");
  await page.getByText("rita: manager in place of editor").waitFor();
  // Until the roles are listed anew it is the one before again.
  const shows = async (role) => page.waitForFunction(([field, role]) => field.value === role, [await may.elementHandle(), role]);
  await shows("manager");
  await page.getByRole("button", { name: "Undo" }).click();
  await shows("editor");
  await page.getByRole("button", { name: "Take away the role of rita" }).click();
  await page.getByRole("button", { name: "Really take away the role of rita" }).click();
  await rowOf(page, "rita").waitFor({ state: "detached" });
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(unmeant(mistakes), []);
});

test("who manages one experiment gives its roles, and sees why not those of others", async (t) => {
  const { address, experiments } = await startTeam(t);
  await as(address, "ada", "PUT", "api/windvane/v1/roles", { principal: "max", role: "reader", experiment_id: experiments.ocean });
  const { page, mistakes } = await openAs(t, browser, address, "max", "#/experiments");
  await page.getByRole("button", { name: "Actions for aifs" }).click();
  await page.getByRole("link", { name: "Roles" }).click();
  await page.waitForURL(`**#/admin/roles/${experiments.aifs}`);
  await page.getByLabel("Who", { exact: true }).fill("rita");
  await page.getByRole("button", { name: "Give the role" }).click();
  await rowOf(page, "rita").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);

  await page.getByLabel("Roles in").selectOption("ocean");
  await page.getByText("You do not manage this experiment.").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.goto(`${address}/#/admin/roles`);
  await page.getByText("Choose an experiment that you manage.").waitFor();
  assert.deepEqual(unmeant(mistakes), []);
});

test("who is no administrator is offered no accounts, and told why", async (t) => {
  const { address } = await startTeam(t);
  const { page, mistakes } = await openAs(t, browser, address, "rita", "#/admin/users");
  await page.getByText("Accounts are for administrators.").waitFor();
  const tabs = page.getByRole("navigation", { name: "Administration" }).getByRole("link");
  assert.deepEqual(await tabs.allInnerTexts(), ["Tokens and password", "Roles", "Trash", "Storage", "Versions and health"]);
  await page.keyboard.press("Control+k");
  await page.getByRole("option", { name: "Settings" }).waitFor();
  assert.equal(await page.getByRole("option", { name: "Users" }).count(), 0);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "rita" }).click();
  await page.getByRole("link", { name: "Administration" }).click();
  await heading(page, "Tokens and password").waitFor();
  assert.equal(await page.getByText("End a token of somebody else").count(), 0);
  assert.deepEqual(await accessibilityFindings(page), []);
  assert.deepEqual(mistakes, []);
});

test("who did not sign in is asked to, and comes back", async (t) => {
  const { address } = await startTeam(t);
  const { page } = await openPage(browser);
  t.after(() => page.context().close());
  await page.goto(`${address}/#/admin/users`);
  await page.getByRole("main").getByRole("link", { name: "Sign in" }).click();
  await signIn(page, "ada");
  await page.waitForURL(`${address}/#/admin/users`);
  await rowOf(page, "rita").waitFor();
});

test("a session that ends in the middle loses nothing that was typed", async (t) => {
  const { address } = await startTeam(t);
  const { page, context, mistakes } = await openAs(t, browser, address, "ada", "#/admin/users");
  await page.getByRole("button", { name: "Add an account" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("zoe");
  await context.clearCookies();
  await page.keyboard.press("Enter");
  const opened = context.waitForEvent("page");
  await dialog.getByRole("link", { name: "Sign in in another window" }).click();
  const other = await opened;
  await signIn(other, "ada");
  await other.waitForURL(`${address}/#/admin/users`);
  await other.close();

  assert.equal(await dialog.getByLabel("Name", { exact: true }).inputValue(), "zoe");
  await dialog.getByRole("button", { name: "Add", exact: true }).click();
  await dialog.getByRole("button", { name: "Done" }).click();
  await rowOf(page, "zoe").waitFor();
  assert.deepEqual(unmeant(mistakes), []);
});

test("tokens are made, shown once and revoked; an administrator ends those of others", async (t) => {
  const { address } = await startTeam(t);
  const others = await as(address, "rita", "POST", "api/windvane/v1/tokens", { name: "nightly" });
  const { page, mistakes } = await openAs(t, browser, address, "ada", "#/admin/tokens");
  await page.getByText("You have no token.").waitFor();
  await page.getByRole("textbox", { name: "Name", exact: true }).fill(BOLD);
  await page.getByRole("button", { name: "Make a token" }).click();
  const made = await page.locator(".made code").first().innerText();
  assert.match(made, /^wv_/);
  await rowOf(page, BOLD).waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  await page.reload();
  await rowOf(page, BOLD).waitFor();
  assert.equal(await page.getByText(made).count(), 0);

  await page.getByRole("button", { name: `Revoke ${BOLD}` }).click();
  await page.getByRole("button", { name: "Really revoke" }).click();
  await page.getByText("You have no token.").waitFor();

  const headers = { authorization: `Bearer ${others.token}` };
  const status = async () => (await fetch(`${address}/api/windvane/v1/experiments`, { headers })).status;
  assert.equal(await status(), 200);
  const number = page.getByLabel("Number of the token");
  await number.fill("999");
  await page.getByRole("button", { name: "End the token" }).click();
  await page.locator(".refusal:not(:empty)").waitFor();
  await number.fill(String(others.id));
  await page.getByRole("button", { name: "End the token" }).click();
  await page.getByText(`Token ${others.id} has ended.`).waitFor();
  assert.equal(await status(), 401);
  assert.deepEqual(unmeant(mistakes), []);
});

test("an open server says that it is open, and how to close it", async (t) => {
  const address = await startServer(t, {}, ["--prefix", "/track"]);
  const { page, mistakes } = await openPage(browser);
  t.after(() => page.context().close());
  for (const name of ["users", "tokens", "roles"]) {
    await page.goto(`${address}/#/admin/${name}`);
    await page.getByRole("heading", { name: "This server is open" }).waitFor();
    await page.getByText("windvane user add NAME --admin").waitFor();
    assert.equal(await page.getByRole("main").getByRole("textbox").count(), 0);
    assert.deepEqual(await accessibilityFindings(page), []);
  }
  await page.getByRole("link", { name: "Versions and health" }).click();
  await page.getByText("None: it is open to whoever reaches it.").waitFor();
  await page.getByText("It answers.").waitFor();
  await page.getByText(command(["--version"]).trim().split(" ").at(-1), { exact: true }).waitFor();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("link", { name: "All settings" }).click();
  await heading(page, "Settings").waitFor();
  assert.equal(page.url(), `${address}/#/settings`);
  assert.deepEqual(mistakes, []);
});

test("what is in the trash is restored: experiments, one or many, and runs", async (t) => {
  const address = await startServer(t);
  const gone = [IMG, "gone", "gone too"];
  for (const name of gone) await call(address, "experiments/delete", { experiment_id: await makeExperiment(address, name) });
  const kept = await makeExperiment(address, `kept ${UNSEEN}`);
  for (const name of ["one", "two"]) await call(address, "runs/delete", { run_id: await makeRun(address, kept, { name }) });
  const { page, mistakes } = await openPage(browser);
  t.after(() => page.context().close());
  await page.goto(`${address}/#/experiments?state=deleted`);
  await page.getByText("there is no way yet to do so").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);

  await page.getByRole("searchbox").fill("too");
  await rowOf(page, "gone").waitFor({ state: "detached" });
  await rowOf(page, "gone too").waitFor();
  await page.getByRole("searchbox").fill("");
  await page.getByRole("button", { name: `Restore ${IMG}`, exact: true }).click();
  await rowOf(page, IMG).waitFor({ state: "detached" });
  await page.getByLabel("Select all").check();
  await page.getByRole("button", { name: "Restore 2 experiments" }).click();
  await page.getByText("Restored 2 experiments.").waitFor();
  await page.getByRole("region", { name: "Experiments in the trash" }).waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Restore all runs of" }).click();
  await page.getByText("The trash is empty.").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByRole("link", { name: "Show 2 runs" }).click();
  await page.getByText("one", { exact: true }).waitFor();
  assert.match(page.url(), /#\/runs\?flat=1&state=deleted$/);
  assert.notEqual(await page.title(), "owned");
  assert.deepEqual(mistakes, []);
});

test("storage is told by experiment, most first", async (t) => {
  const address = await startServer(t);
  const put = async (experiment, bytes) => {
    const run = await makeRun(address, experiment, { name: "run" });
    const url = `${address}/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/file.bin`;
    assert.equal((await fetch(url, { method: "PUT", body: "x".repeat(bytes) })).status, 200);
  };
  await put(await makeExperiment(address, BOLD), 1_000);
  await put(await makeExperiment(address, "large"), 3_000);
  const { page, mistakes } = await openPage(browser);
  t.after(() => page.context().close());
  await page.goto(`${address}/#/admin/storage`);
  await page.getByText("4.0 kB").waitFor();
  assert.deepEqual(await page.getByRole("rowheader").allInnerTexts(), ["large", BOLD]);
  await rowOf(page, "large").getByText("75 %").waitFor();
  assert.deepEqual(await accessibilityFindings(page), []);
  assert.deepEqual(mistakes, []);
});

test("settings act at once, in other windows too, and are kept", async (t) => {
  const address = await startServer(t);
  const experiment = await makeExperiment(address, "aifs");
  await makeRun(address, experiment, { name: "run", metrics: { loss: [0.123456789] } });
  const { page, context, mistakes } = await openPage(browser, { timezoneId: "Asia/Tokyo" });
  t.after(() => context.close());
  const table = await context.newPage();
  await table.goto(`${address}/#/experiments/${experiment}/runs`);
  const cell = table.getByRole("gridcell").filter({ hasText: /^0\.123/ });
  await cell.waitFor();
  assert.equal(await cell.innerText(), "0.12346");
  const rowHeight = () => table.locator(".grid-row").first().evaluate((row) => row.getBoundingClientRect().height);
  assert.equal(await rowHeight(), 32);

  await page.goto(`${address}/#/settings`);
  const pick = (group, name) => page.getByRole("group", { name: group }).getByRole("button", { name, exact: true }).click();
  await pick("Digits of numbers", "3");
  await page.getByText("0.0412 · 287 · 2.5e−7").waitFor();
  await table.getByRole("gridcell", { name: "0.123", exact: true }).waitFor();
  await pick("Rows of tables", "Compact");
  await table.waitForFunction(() => document.querySelector(".grid-row").getBoundingClientRect().height === 26);
  await pick("Times", "UTC");
  await page.getByText(/\d\d:\d\d:\d\d UTC/).waitFor();
  await pick("Theme", "Dark");
  await table.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  assert.deepEqual(await accessibilityFindings(page), []);
  await pick("Motion", "Reduced");
  await table.waitForFunction(() => document.documentElement.dataset.motion === "reduced");
  await page.getByLabel("Single-key shortcuts").uncheck();
  await page.keyboard.press("t");

  await page.reload();
  await page.getByRole("group", { name: "Theme" }).getByRole("button", { name: "Dark", pressed: true }).waitFor();
  await page.getByText("0.0412 · 287 · 2.5e−7").waitFor();
  await page.getByRole("button", { name: "Reset" }).click();
  await page.getByText("0.041238 · 287.15 · 2.5e−7").waitFor();
  await table.waitForFunction(() => document.querySelector(".grid-row").getBoundingClientRect().height === 32);
  assert.deepEqual(mistakes, []);
});

test("rows that are compact are counted as such while a long table is scrolled", async (t) => {
  const address = await startServer(t);
  const experiment = await makeExperiment(address, "many");
  for (let number = 0; number < 120; number += 1) await call(address, "runs/create", { experiment_id: experiment, run_name: `run ${number}`, start_time: 1_790_000_000_000 - number });
  const { page, mistakes } = await openPage(browser, { viewport: { width: 1000, height: 500 } });
  t.after(() => page.context().close());
  await page.addInitScript(() => localStorage.setItem("windvane.density", '"compact"'));
  await page.goto(`${address}/#/experiments/${experiment}/runs`);
  await page.getByRole("link", { name: "run 0", exact: true }).waitFor();
  const box = page.locator(".grid-body");
  assert.equal(await box.evaluate((body) => body.getBoundingClientRect().height), 120 * 26);
  await box.evaluate((body) => (body.parentElement.scrollTop = body.parentElement.scrollHeight));
  const last = page.getByRole("link", { name: "run 119", exact: true });
  await last.waitFor();
  const [row, whole] = await Promise.all([page.locator(".grid-row").last().boundingBox(), box.boundingBox()]);
  assert.equal(Math.round(row.y + row.height), Math.round(whole.y + whole.height));
  await settled(page);
  assert.deepEqual(await accessibilityFindings(page), []);
  assert.deepEqual(mistakes, []);
});
