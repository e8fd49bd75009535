import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes, compact, count, dateTime, duration, microseconds, plural, rate } from "../src/lib/format";

test("counts have their thousands apart and are never rounded", () => {
  assert.equal(count(1234567), "1,234,567");
  assert.equal(plural(1, "message"), "1 message");
  assert.equal(plural(0, "match", "matches"), "0 matches");
});

test("compact figures keep three digits that count", () => {
  assert.equal(compact(9999), "9,999");
  assert.equal(compact(12345), "12.3 k");
  assert.equal(compact(1_234_567), "1.23 M");
  assert.equal(compact(0.25), "0.3");
  assert.equal(rate(1204.26), "1,204.3/s");
});

test("bytes are binary, and change the unit before four digits are needed", () => {
  assert.equal(bytes(0), "0 B");
  assert.equal(bytes(1023), "1,023 B");
  assert.equal(bytes(1024), "1.00 KiB");
  assert.equal(bytes(1000 * 1024), "0.98 MiB");
  assert.equal(bytes(3 * 1024 ** 4), "3.00 TiB");
});

test("durations have two units at most, the smaller one cut", () => {
  assert.equal(duration(0), "0 s");
  assert.equal(duration(900), "900 ms");
  assert.equal(duration(59_999), "59 s");
  assert.equal(duration(3_600_000 * 3 + 59_000), "3 h");
  assert.equal(duration(86_400_000 * 2 + 3_600_000 * 5), "2 d 5 h");
  assert.equal(microseconds(999), "999 µs");
  assert.equal(microseconds(12_345), "12.3 ms");
});

test("a time that is none is shown as it came", () => {
  assert.equal(dateTime("soon"), "soon");
  assert.match(dateTime("2026-11-22T02:31:16Z"), /^2026-11-2\d \d\d:31:16$/);
});
