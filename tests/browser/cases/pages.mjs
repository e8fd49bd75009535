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
async function look(browser, target, theme, rules = null) {
  await browser.theme(theme);
  const findings = {};
  for (const [name, path] of Object.entries(pagesOf(target))) {
    if (target.lacks.has(name) || (name === "clients" && target.lacks.has("consumers"))) continue;
    await browser.go(path);
    // The live figures have come, too.
    if (name === "overview" || name === "queue")
      await browser.page.waitForFunction(() => !document.querySelector(".plot.waiting"), undefined, { timeout: 8000 });
    await browser.shoot(`${name}-${theme}`);
    assert.equal(await browser.page.locator(".failure").count(), 0, `${name} shows a failure`);
    const found = await browser.axe(rules);
    if (found.length > 0) findings[name] = found;
  }
  await browser.theme("light");
  assert.deepEqual(findings, {});
}

export const pageCases = {
  async every_page_in_light_has_no_findings(browser, target) {
    await look(browser, target, "light");
  },

  async every_page_in_dark_has_no_findings(browser, target) {
    await look(browser, target, "dark", ["color-contrast"]);
  },

  async narrow_windows_show_everything_without_scrolling_sideways(browser, target) {
    await browser.page.setViewportSize({ width: 390, height: 844 });
    try {
      for (const [name, path] of Object.entries(pagesOf(target))) {
        if (!["overview", "queues", "messages", "transaction", "audit"].includes(name) || target.lacks.has(name)) continue;
        await browser.go(path);
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

  async the_policy_is_strict_and_the_first_load_is_small(browser) {
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
    await browser.settled();
    const bytes = await browser.page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((one) => /\.(js|css)$/.test(one.name))
        .reduce((sum, one) => sum + one.encodedBodySize, 0),
    );
    assert.ok(bytes > 10_000 && bytes <= (browser.isCompressed === false ? 300_000 : 120_000), `${bytes} bytes`);
  },
};
