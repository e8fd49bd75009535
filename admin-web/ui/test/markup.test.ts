import assert from "node:assert/strict";
import { test } from "node:test";
import { prettyJson, prettyXml, type Line } from "../src/lib/markup";

function text(lines: Line[] | null): string | null {
  return lines && lines.map((line) => "  ".repeat(line.depth) + line.tokens.map((token) => token.text).join("")).join("\n");
}

test("XML gets a line for each element, and text stays with its element", () => {
  const lines = prettyXml('<?xml version="1.0"?><a x="1"><b>t &amp; u</b><c/><d><![CDATA[<no tag>]]></d><e></e></a>');
  assert.equal(text(lines), '<?xml version="1.0"?>\n<a x="1">\n  <b>t &amp; u</b>\n  <c/>\n  <d><![CDATA[<no tag>]]></d>\n  <e></e>\n</a>');
});

test("a greater-than sign in an attribute ends no tag", () => {
  assert.equal(text(prettyXml('<a b="x > y"><c/></a>')), '<a b="x > y">\n  <c/>\n</a>');
});

test("what is not whole XML is not made pretty", () => {
  for (const wrong of ["<a><b></a>", "<a>", "text", "<a/>text", "", "<a></b>", "<a b='1", "< a/>"])
    assert.equal(prettyXml(wrong), null, wrong);
});

test("numbers of JSON keep the digits they were sent with", () => {
  assert.equal(
    text(prettyJson('{"amount":10000.00,"id":12345678901234567890,"e":1E400}')),
    '{\n  "amount": 10000.00,\n  "id": 12345678901234567890,\n  "e": 1E400\n}',
  );
});

test("JSON in a string stays a string, and empty containers stay on a line", () => {
  assert.equal(
    text(prettyJson('{"a":"{\\"b\\":[1,2]}","c":[],"d":{},"e":[{"f":null}]}')),
    '{\n  "a": "{\\"b\\":[1,2]}",\n  "c": [],\n  "d": {},\n  "e": [\n    {\n      "f": null\n    }\n  ]\n}',
  );
});

test("what is not JSON is not made pretty", () => {
  for (const wrong of ["{", "{'a':1}", "[1,]", "nope"]) assert.equal(prettyJson(wrong), null, wrong);
});

test("hostile nesting and length end in reasonable time", () => {
  const started = process.cpuUsage().user;
  prettyXml("<a>".repeat(200_000));
  prettyXml(`<a ${"b".repeat(500_000)}`);
  prettyXml(`<a ${'b="'.repeat(100_000)}`);
  prettyJson("[".repeat(5000) + "]".repeat(5000));
  assert.ok(process.cpuUsage(undefined).user - started < 20_000_000);
});
