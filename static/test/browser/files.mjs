// Files for the tests of artifacts: how they get to a run, and bytes of some kinds.

import assert from "node:assert/strict";
import { crc32, deflateSync } from "node:zlib";

/** Puts a file among those of a run. */
export async function putFile(address, experiment, run, path, body) {
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const url = `${address}/api/2.0/mlflow-artifacts/artifacts/${experiment}/${run}/artifacts/${encoded}`;
  const answer = await fetch(url, { method: "PUT", body, duplex: "half" });
  assert.equal(answer.status, 200, `${path}: ${await answer.text()}`);
}

/** A black picture of two colours: thousands of points in a few bytes. */
export function png(width, height) {
  const chunk = (type, body) => {
    const framed = Buffer.alloc(body.length + 12);
    framed.writeUInt32BE(body.length, 0);
    framed.write(type, 4);
    body.copy(framed, 8);
    framed.writeUInt32BE(crc32(framed.subarray(4, -4)), body.length + 8);
    return framed;
  };
  const head = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  const sign = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([sign, chunk("IHDR", head), chunk("IDAT", deflateSync(Buffer.alloc((Math.ceil(width / 8) + 1) * height))), chunk("IEND", Buffer.alloc(0))]);
}

/** A second of silence. */
export function wav() {
  const rate = 8_000;
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + rate, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write("data", 36);
  head.writeUInt32LE(rate, 40);
  return Buffer.concat([head, Buffer.alloc(rate, 128)]);
}

/** A document of one page with a word on it. */
export function pdf() {
  const content = "BT /F1 24 Tf 40 100 Td (Windvane) Tj ET";
  const objects = [
    "<< /Type /Catalog /Pages 2 0 R >>",
    "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
    `<< /Length ${content.length} >>\nstream\n${content}\nendstream`,
  ];
  let text = "%PDF-1.4\n";
  const places = objects.map((object, place) => {
    const at = text.length;
    text += `${place + 1} 0 obj\n${object}\nendobj\n`;
    return at;
  });
  const table = places.map((at) => `${String(at).padStart(10, "0")} 00000 n \n`).join("");
  return `${text}xref\n0 5\n0000000000 65535 f \n${table}trailer << /Size 5 /Root 1 0 R >>\nstartxref\n${text.length}\n%%EOF\n`;
}
