import assert from "node:assert/strict";
import { test } from "node:test";
import { returnPath } from "../src/lib/return_to.ts";

test("a page of this server is returned to, with its query and fragment", () => {
  for (const path of ["seed", "tokens", "runs/0f3a", "experiments/", "runs/a.b-c~d_e?x=1&y=%2F#plot", "seed?a=//b", "x#/y"]) {
    assert.equal(returnPath(path), path);
  }
});

test("a screen of the first page is returned to", () => {
  for (const path of ["./#/experiments/7/runs", "./#/runs?q=metrics.loss%20%3C%200.1", "./#//evil.example", "./#/../x", "./#/https://evil.example"]) {
    assert.equal(returnPath(path), path);
    const { origin, pathname } = new URL(returnPath(path), "https://track.example.org/node/7/login");
    assert.equal(origin + pathname, "https://track.example.org/node/7/", path);
  }
});

test("what is no page below this one leads to the first page", () => {
  const elsewhere = [
    ...[null, "", "/", "./", "..", "../", "../other", "a/../../b", "a/..", ".", "./seed", "?x", "#x", "a//b", "..?x"],
    ...["//evil.example", "///evil.example", "/seed", "\\\\evil.example", "/\\evil.example", "\\/evil.example", "seed\\x"],
    ...["https:evil.example", "https://evil.example", "javascript:alert(1)", "data:text/html,x", "JAVASCRIPT:alert(1)"],
    ...["seed\r\nSet-Cookie: a=b", "seed\n", "\nseed", "\tseed", "java\nscript:alert(1)", "/\t/evil.example", "seed?\n"],
    ...["%2F%2Fevil.example", "%2f%2fevil.example", "%5C%5Cevil.example", "%68ttps:evil.example", "a/%2e%2e/%2e%2e/b"],
    ...["./#x", "./x#/y", ".//#/x", "./?x#/y", "../#/x", "./#/a\\b", "./#/a\nb", "./#/é", ".#/x", "/#/x", "//evil.example/#/x"],
    ...[" seed", "seed ", "sé", "user@evil.example", "evil.example:80", "seed?\\", "\u2028seed", "／／evil.example"],
  ];
  for (const path of elsewhere) assert.equal(returnPath(path), "./", JSON.stringify(path));
});

test("whatever is followed stays on the server and in its folder", () => {
  const page = "https://track.example.org/node/7/login";
  for (const path of ["seed", "runs/0f3a?x=1", "evil.example", "a/b/"]) {
    assert.ok(new URL(returnPath(path), page).href.startsWith("https://track.example.org/node/7/"), path);
  }
});
