// The console in a browser: GIROMQ_BROWSER_TARGET is "broker" (giromqd of GIROMQ_BUILD_DIR) or "mock" (admin-web/ui/mock).

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { accessCases } from "./cases/access.mjs";
import { clientCases } from "./cases/clients.mjs";
import { hostileCases } from "./cases/hostile.mjs";
import { keyboardCases } from "./cases/keyboard.mjs";
import { loginCases } from "./cases/login.mjs";
import { messageCases } from "./cases/messages.mjs";
import { pageCases } from "./cases/pages.mjs";
import { queueCases } from "./cases/queues.mjs";
import { roleCases } from "./cases/roles.mjs";
import { transactionCases } from "./cases/transactions.mjs";
import { Browser } from "./lib/browser.mjs";

const kind = process.env.GIROMQ_BROWSER_TARGET ?? "mock";
const { openTarget } = await import(`./lib/${kind}.mjs`);
// What cases are about that a broker may not have.
const needs = [
  [/permission/, "permissions"],
  [/audit_log/, "audit"],
  [/configuration/, "configuration/export"],
  [/consumer_is|producer_is|connection_is|connection_shows/, "consumers"],
];
const only = process.env.GIROMQ_BROWSER_ONLY;
const cases = {
  ...loginCases,
  ...pageCases,
  ...hostileCases,
  ...queueCases,
  ...messageCases,
  ...transactionCases,
  ...clientCases,
  ...accessCases,
  ...roleCases,
  ...keyboardCases,
};

let target;
let browser;

before(openAll, { timeout: 60_000 });

async function openAll() {
  target = await openTarget();
  browser = await Browser.open(target.origin, process.env.GIROMQ_SCREENSHOTS ?? join(process.cwd(), "screenshots"));
  await browser.logIn(target.user, target.password);
}

after(async () => {
  await browser?.close();
  await target?.close();
});

// Whoever stops this (CTest, when it takes too long) must not leave a broker behind.
process.once("SIGTERM", () => void Promise.resolve(target?.close()).finally(() => process.exit(1)));

let failures = 0;
for (const [name, run] of Object.entries(cases)) {
  if (only && !new RegExp(only).test(name)) continue;
  test(name, async (context) => {
    const lacks = needs.find(([pattern, path]) => pattern.test(name) && target.lacks.has(path));
    if (lacks) return context.skip(`the broker has no ${lacks[1]} yet`);
    try {
      await run(browser, target, context);
      assert.deepEqual(browser.troubles.splice(0), []);
    } catch (error) {
      await browser.shoot(`failure-${++failures}`).catch(() => undefined);
      browser.troubles.splice(0);
      throw error;
    }
  });
}
