import assert from "node:assert/strict";
import { test } from "node:test";
import { written } from "../src/lib/inert";

test("characters that turn text around or are not seen are written out", () => {
  assert.equal(written("invoice\u202egnp.exe"), "invoice\\u202Egnp.exe");
  assert.equal(written("a\u0000b\u001b[31m\u0085\u200b\ufeff\u2066"), "a\\u0000b\\u001B[31m\\u0085\\u200B\\uFEFF\\u2066");
  assert.equal(written("\u{e0041}"), "\\u{E0041}");
});

test("what one sees stays as it is", () => {
  for (const text of ["payments.in", "Müller & Söhne", "שלום", "a\tb\r\nc", "日本", "👩", "<b>"]) assert.equal(written(text), text);
});
