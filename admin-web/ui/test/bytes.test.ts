import assert from "node:assert/strict";
import { test } from "node:test";
import { base64OfBytes, bytesOfBase64, bytesOfText, hexRows } from "../src/lib/hex";
import { decodeXid, xidEnding } from "../src/lib/xid";

test("rows of sixteen bytes, the last one filled up with blanks", () => {
  const rows = hexRows(bytesOfText("GiroMQ \u0000 sixteen and more"), 10);
  assert.equal(rows.length, 2);
  assert.equal(rows[0]!.offset, "00000000");
  assert.equal(rows[0]!.hex, "47 69 72 6f 4d 51 20 00  20 73 69 78 74 65 65 6e");
  assert.equal(rows[0]!.text, "GiroMQ · sixteen");
  assert.equal(rows[1]!.hex.length, rows[0]!.hex.length);
  assert.equal(hexRows(new Uint8Array(1000), 3).length, 3);
});

test("bytes survive base64 both ways", () => {
  const data = Uint8Array.from({ length: 256 }, (_, index) => index);
  assert.deepEqual(bytesOfBase64(base64OfBytes(data)), data);
});

test("an XID is taken apart, and shown as text only where all of it is readable", () => {
  const xid = decodeXid("131077:6769726f:00FF")!;
  assert.equal(xid.formatId, 131077);
  assert.deepEqual(xid.gtrid, { hex: "6769726f", bytes: 4, text: "giro" });
  assert.deepEqual(xid.bqual, { hex: "00ff", bytes: 2, text: null });
  assert.equal(decodeXid("-1:aa:")!.bqual.bytes, 0);
  for (const wrong of ["", "1:2", "x:aa:bb", "1::aa", "1:zz:aa"]) assert.equal(decodeXid(wrong), null, wrong);
  assert.equal(xidEnding("131077:6769726f:00FFABCD"), "00FFABCD");
});
