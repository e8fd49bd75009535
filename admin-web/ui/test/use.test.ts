import assert from "node:assert/strict";
import { test } from "node:test";
import { get, path } from "../src/api/client";
import { noteUse, takeUse } from "../src/api/use";

test("what is asked for when nobody has done anything is marked as the console's own", async () => {
  const marked: boolean[] = [];
  globalThis.fetch = ((_: string, options: { headers: Record<string, string> }) => {
    marked.push("X-GiroMQ-Background" in options.headers);
    return Promise.resolve(new Response("{}", { headers: { "Content-Type": "application/json" } }));
  }) as unknown as typeof fetch;
  takeUse();
  await get(path(["overview"]));
  noteUse();
  await get(path(["overview"]));
  await get(path(["overview"]));
  assert.deepEqual(marked, [true, false, true]);
});
