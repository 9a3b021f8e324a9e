// Texts of people with bad intentions, and what no page may do that shows them.

import assert from "node:assert/strict";
import { openPage } from "./support.mjs";

export const IMG = `"><img src=x onerror="hacked=1">`;
export const SCRIPT = `</script><script>hacked=1</script>`;
export const LINK = "javascript:hacked=1";
/** Turned direction, no width, a bell, a colour of terminals, DEL, ends of lines, and a family in one picture. */
export const UNSEEN = "\u202egnp.exe\u2066\u200b\ufeff\u0007\u001b[31m\u007f\u0085\u2028👩‍👩‍👧‍👦";
export const ODD = `${IMG}${SCRIPT}{{7*7}} \${7*7} \`b\` #a?b=%2e%2e%2f&c+d ${UNSEEN}\nsecond line`;
export const WORD = "w".repeat(10_000);
export const FORMULA = `=cmd|' /C calc'!A0`;
export const NOTE = `# ${IMG}

${SCRIPT} [a](${LINK}) [b](JaVaScRiPt:hacked=1) [c](&#106;avascript:hacked=1) [d](data:text/html,${SCRIPT}) <${LINK}> ![e](${LINK})
<a href="${LINK}">f</a> <iframe srcdoc="${SCRIPT}"></iframe> [web](https://a.example/${IMG}) {{7*7}}

|${IMG}|${WORD.slice(0, 5_000)}|
|-|-|
|[g](//b.example)|${UNSEEN}|`;

/** What Chromium itself writes to the console where the server refuses a search, or a frame has no right to run scripts, as it should. */
const REFUSED = /^Failed to load resource: .* status of 400|^Blocked script execution in |^Refused to execute the redirect specified via '<meta/;

/**
 * A page at an address, and what judges it as it stands. The policy of the pages (CSP) would stop most scripts; it is off here, so
 * that no mistake of the pages hides behind it.
 */
export async function openUnguarded(t, browser, address, options = {}) {
  const { context, page, mistakes } = await openPage(browser, { bypassCSP: true, viewport: { width: 1280, height: 800 }, ...options });
  t.after(() => context.close());
  page.on("dialog", (dialog) => {
    mistakes.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("crash", () => mistakes.push("the page crashed"));
  await page.goto(address);
  const judge = async (what) => {
    assert.deepEqual(await page.evaluate(findings), [], what);
    assert.deepEqual(mistakes.filter((mistake) => !REFUSED.test(mistake)), [], what);
  };
  return { page, judge };
}

/** What is wrong in a page: runs in the page. */
function findings() {
  const found = [];
  if ("hacked" in window) found.push("a script ran");
  if (Object.prototype.x !== undefined || Object.prototype.polluted !== undefined) found.push("all objects were changed");
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) found.push(`${scrollWidth - clientWidth} px wider than the window`);
  for (const element of document.querySelectorAll("*")) {
    for (const { name, value } of element.attributes) {
      if (name.startsWith("on") || name === "srcdoc") found.push(`<${element.localName} ${name}>`);
      if (!["href", "src", "action", "formaction", "xlink:href", "data", "poster"].includes(name)) continue;
      const { protocol, origin } = new URL(value, location.href);
      // Pictures of a notebook, and a document whose type we say.
      if ((element.localName === "img" && /^data:image\/(png|jpeg|gif|webp);base64,/.test(value)) || (element.localName === "iframe" && protocol === "blob:")) continue;
      if (!["http:", "https:", "mailto:"].includes(protocol)) found.push(`<${element.localName} ${name}="${value}">`);
      if (origin !== location.origin && (element.localName !== "a" || !element.relList.contains("noreferrer"))) found.push(`leads elsewhere: ${value}`);
    }
    if (["object", "embed", "base"].includes(element.localName)) found.push(`<${element.localName}>`);
    if (element.localName === "iframe" && !element.src.startsWith("blob:") && !["", "allow-scripts"].includes(element.getAttribute("sandbox"))) found.push("<iframe> with rights");
  }
  return found;
}
