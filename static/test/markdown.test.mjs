import assert from "node:assert/strict";
import { test } from "node:test";
import { safeLink } from "../src/lib/links.ts";
import { parseMarkdown } from "../src/lib/markdown.ts";
import { firstLine } from "../src/lib/note.ts";

/** The tree in short: `p(a strong(b))`; links and lists with what they lead to or begin with. */
function brief(pieces) {
  return pieces
    .map((piece) => {
      if (typeof piece === "string") return piece;
      const more = piece.href ?? piece.start;
      return `${piece.element}${more === undefined ? "" : `[${more}]`}(${brief(piece.children)})`;
    })
    .join("");
}

const cases = [
  ["# Title\n\nwords **strong** *em* ~~del~~ `code <b>`", "h3(Title)p(words strong(strong) em(em) del(del) code(code <b>))"],
  ["###### deep", "h6(deep)"],
  ["- a\n- b\n  - c", "ul(li(a)li(bul(li(c))))"],
  ["3. a\n4. b", "ol[3](li(a)li(b))"],
  ["- [x] done\n- [ ] not", "ul(li(☑ done)li(☐ not))"],
  ["> said\n\n---", "blockquote(p(said))hr()"],
  ["```python\n<script>\n```", "pre(code(<script>))"],
  ["|a|b|\n|-|-|\n|1|*2*|", "table(thead(tr(th(a)th(b)))tbody(tr(td(1)td(em(2)))))"],
  ["a  \nb", "p(abr()b)"],
  // HTML is text, whatever is in it.
  ["x <img src=x onerror=alert(1)> y", "p(x <img src=x onerror=alert(1)> y)"],
  ["<script>alert(1)</script>", "p(<script>alert(1)</script>)"],
  ["<div onclick=x>\n\n**b**\n\n</div>", "p(<div onclick=x>)p(strong(b))p(</div>)"],
  // Links lead to the web and to mailboxes.
  ["[a](https://a.example/x?y)", "p(a[https://a.example/x?y](a))"],
  ["<me@a.example> https://b.example", "p(a[mailto:me@a.example](me@a.example) a[https://b.example/](https://b.example))"],
  ["[a](javascript:alert(1)) [b](JaVaScRiPt:alert(1)) [c](data:text/html,x) [d](vbscript:x)", "p(a b c d)"],
  ["[a](&#106;avascript:alert(1)) [b](java&#10;script:alert(1)) [c](&#1;javascript:x)", "p(a b c)"],
  ["[a][r]\n\n[r]: javascript:alert(1)", "p(a)"],
  ["[up](../x) [host](//evil.example) [hash](#/x)", "p(up host hash)"],
  // Pictures are not fetched.
  ["![plot](https://a.example/p.png)", "p(a[https://a.example/p.png](plot))"],
  ["![](https://a.example/p.png)", "p(a[https://a.example/p.png](https://a.example/p.png))"],
  ["![x](javascript:alert(1))", "p(x)"],
  // Characters by name and by number.
  ["a &amp; b &lt; c &#176; &#x2265; &bogus; &constructor; &#0;", "p(a & b < c ° ≥ &bogus; &constructor; \ufffd)"],
  ["\\*not em\\*", "p(*not em*)"],
  ["", ""],
];

for (const [text, tree] of cases) {
  test(`the note ${JSON.stringify(text)}`, () => assert.equal(brief(parseMarkdown(text)), tree));
}

test("hostile notes are shown and hold up nothing", () => {
  for (const unit of [">", "[", "*a_", "- ", "|a", "x", "a**b", "`a", "**a*", "* a\n", "[a](b", "*a_ ".repeat(99) + "\n\n"]) {
    const text = unit.repeat(Math.ceil(20_000 / unit.length)).slice(0, 20_000);
    const start = performance.now();
    assert.notEqual(brief(parseMarkdown(text)), "");
    const tookMs = performance.now() - start;
    assert.ok(tookMs < 5_000, `${unit.slice(0, 6)}… took ${tookMs} ms`);
  }
});

test("what is nested too deep to be drawn is shown as it was written", () => {
  for (const unit of [">", "- "]) {
    assert.match(brief(parseMarkdown(`${unit.repeat(20)}x`)), /^(blockquote|ul)\(/);
    for (const levels of [150, 500, 1_500]) assert.equal(brief(parseMarkdown(`${unit.repeat(levels)}x`)), `pre(${unit.repeat(levels)}x)`);
  }
});

test("a long table of figures is read", () => {
  const rows = Array.from({ length: 100 }, (_, index) => `| train_wmse_${index} | **0.5** | _low_ |`);
  assert.match(brief(parseMarkdown(["| a_b | c_d | e_f |", "|-|-|-|", ...rows].join("\n"))), /^table\(.*strong\(0\.5\)/);
});

test("a link is safe or none", () => {
  assert.equal(safeLink("http://a.example"), "http://a.example/");
  for (const written of ["", "x", "/x", "//x", "ftp://a", "file:///etc/passwd", " javascript:x", "java\nscript:x", "blob:http://a/b"]) {
    assert.equal(safeLink(written), null, written);
  }
});

test("the first line of a note is without the signs of Markdown", () => {
  assert.equal(firstLine("\n\n## Ocean runs\n\nmore"), "Ocean runs");
  assert.equal(firstLine("- first\n- second"), "first");
  assert.equal(firstLine("---\n> said"), "said");
  assert.equal(firstLine("*a* **b** `c_d` [e](https://a.example) 2 * 3 * 4"), "a b c_d e 2 * 3 * 4");
  assert.equal(firstLine(""), "");
});

test("a first line that never ends holds up nothing", () => {
  for (const unit of ["[", "![", "[](", "*a", "`"]) {
    const start = performance.now();
    firstLine(unit.repeat(10_000));
    const tookMs = performance.now() - start;
    assert.ok(tookMs < 50, `${unit} took ${tookMs} ms`);
  }
});
