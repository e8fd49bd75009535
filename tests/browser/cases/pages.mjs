import assert from "node:assert/strict";

function pagesOf(target) {
  const queue = encodeURIComponent(target.queue);
  return {
    overview: "/",
    queues: "/queues?sort=-messages",
    queue: `/queue?name=${queue}`,
    messages: `/queue?name=${queue}&tab=messages`,
    clients: `/queue?name=${queue}&tab=clients`,
    settings: `/queue?name=${queue}&tab=settings`,
    transactions: "/transactions",
    transaction: `/transaction?xid=${encodeURIComponent(target.prepared[0])}`,
    operations: "/operations",
    connections: "/connections",
    consumers: "/consumers",
    producers: "/producers",
    selectors: "/selectors",
    users: "/users",
    roles: "/roles",
    permissions: "/permissions",
    audit: "/audit",
    configuration: "/configuration",
    certificates: "/certificates",
    unknown: "/nothing-here",
  };
}

/** The pages are the same in both themes but for their colours, so the second look asks for those only. */
async function look(browser, name) {
  const found = [];
  for (const [theme, rules] of [
    ["light", null],
    ["dark", ["color-contrast"]],
  ]) {
    await browser.theme(theme);
    await browser.shoot(`${name}-${theme}`);
    found.push(...(await browser.axe(rules)).map((finding) => `${theme}: ${finding}`));
  }
  await browser.theme("light");
  return found;
}

async function lookAtAll(browser, target) {
  const findings = {};
  await browser.go("/");
  for (const [name, path] of Object.entries(pagesOf(target))) {
    if (target.lacks.has(name) || (name === "clients" && target.lacks.has("consumers"))) continue;
    await browser.visit(path);
    // The live figures have come, too.
    if (name === "overview" || name === "queue")
      await browser.page.waitForFunction(() => !document.querySelector(".plot.waiting"), undefined);
    assert.equal(await browser.page.locator(".failure").count(), 0, `${name} shows a failure`);
    const found = await look(browser, name);
    if (found.length > 0) findings[name] = found;
  }
  assert.deepEqual(findings, {});
}

export const pageCases = {
  async every_page_has_no_findings_in_light_and_dark(browser, target) {
    await lookAtAll(browser, target);
  },

  async narrow_windows_show_everything_without_scrolling_sideways(browser, target) {
    await browser.page.setViewportSize({ width: 390, height: 844 });
    try {
      for (const [name, path] of Object.entries(pagesOf(target))) {
        if (!["overview", "queues", "messages", "transaction", "audit"].includes(name) || target.lacks.has(name)) continue;
        await browser.visit(path);
        const wider = await browser.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        await browser.shoot(`${name}-narrow`);
        assert.ok(wider <= 0, `${name} is ${wider} px too wide`);
      }
      await browser.page.getByRole("button", { name: "Menu" }).click();
      await browser.page.getByRole("link", { name: "Users" }).click();
      await browser.page.getByRole("heading", { name: "Users" }).waitFor();
    } finally {
      await browser.page.setViewportSize({ width: 1440, height: 900 });
    }
  },

  async what_is_not_there_yet_is_sketched_and_what_fails_is_told(browser) {
    const { page } = browser;
    const queues = "**/api/v1/queues?**";
    let answer;
    const asked = new Promise((done) => {
      answer = done;
    });
    await page.route(queues, async (route) => {
      await asked;
      await route.fulfill({
        status: 503,
        contentType: "application/problem+json",
        body: JSON.stringify({ type: "about:blank", title: "The store does not answer", status: 503, code: "store_failed" }),
      });
    });
    try {
      await page.goto(`${browser.origin}/console/queues`);
      await page.locator("table[aria-busy=true] .skeleton").first().waitFor();
      await browser.shoot("queues-loading");
      assert.deepEqual(await browser.axe(), []);
      answer();
      await page.getByRole("alert").getByText("The store does not answer").waitFor();
      await browser.shoot("queues-failed");
      assert.deepEqual(await browser.axe(), []);
    } finally {
      answer();
      await page.unroute(queues);
    }
    await page.getByRole("button", { name: "Try again" }).click();
    await page.locator("tbody a[data-row]").first().waitFor();
  },

  async without_a_websocket_the_figures_are_asked_for(browser) {
    const page = await browser.newPage();
    try {
      await page.routeWebSocket("**/api/v1/events", (socket) => socket.close());
      await page.goto(`${browser.origin}/console/`);
      await page.getByRole("status").getByText("Polling").waitFor();
      await page.locator(".plot:not(.waiting)").first().waitFor();
    } finally {
      await page.close();
    }
  },

  async the_first_load_is_small(browser, target, context) {
    // A browser that has never been here, but for the session.
    const fresh = await browser.chromium.newContext({ ignoreHTTPSErrors: true, storageState: await browser.context.storageState() });
    try {
      const page = await fresh.newPage();
      await page.goto(`${browser.origin}/console/`, { waitUntil: "commit" });
      await page.waitForFunction(() => document.querySelector(".sidebar") && document.querySelector("main h1"), undefined, { polling: "raf" });
      const { ms, bytes } = await page.evaluate(() => ({
        ms: performance.now(),
        bytes: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
          .filter((one) => !one.name.includes("/api/"))
          .reduce((sum, one) => sum + one.encodedBodySize, 0),
      }));
      context.diagnostic(`first load: ${(bytes / 1000).toFixed(1)} kB, usable after ${Math.round(ms)} ms (targets: 120 kB, 1000 ms)`);
      assert.ok(bytes > 10_000 && bytes <= (target.isCompressed === false ? 300_000 : 120_000), `${bytes} bytes`);
    } finally {
      await fresh.close();
    }
  },

  async the_policy_is_strict(browser) {
    const response = await browser.page.goto(`${browser.origin}/console/`);
    const policy = response.headers()["content-security-policy"] ?? "";
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
    ]) {
      assert.ok(policy.includes(part), `the policy lacks ${part}`);
    }
    assert.ok(!/unsafe|\*|data:/.test(policy), policy);
  },
};
