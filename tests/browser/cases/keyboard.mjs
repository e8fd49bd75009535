import assert from "node:assert/strict";

export const keyboardCases = {
  async keys_lead_through_pages_and_rows(browser) {
    await browser.go("/");
    await browser.page.keyboard.press("g");
    await browser.page.keyboard.press("q");
    await browser.page.getByRole("heading", { name: "Queues" }).waitFor();
    await browser.settled();
    await browser.page.keyboard.press("/");
    assert.equal(await browser.page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Filter by name");
    await browser.page.keyboard.press("Escape");
    await browser.page.keyboard.press("j");
    await browser.page.keyboard.press("j");
    await browser.page.keyboard.press("k");
    const name = await browser.page.locator("a[data-row]").first().innerText();
    assert.equal(await browser.page.evaluate(() => document.activeElement.textContent), name);
    await browser.page.keyboard.press("Enter");
    await browser.page.getByRole("heading", { name }).waitFor();
  },

  async the_help_opens_by_key_keeps_the_focus_and_gives_it_back(browser) {
    await browser.go("/queues");
    await browser.page.keyboard.press("j");
    const before = await browser.page.evaluate(() => document.activeElement.textContent);
    await browser.page.keyboard.press("?");
    await browser.dialog("Keyboard").waitFor();
    await browser.shoot("help");
    assert.deepEqual(await browser.axe(), []);
    for (let step = 0; step < 5; step++) {
      await browser.page.keyboard.press("Tab");
      const inside = await browser.page.evaluate(
        () => document.activeElement === document.body || document.activeElement.closest("dialog") !== null,
      );
      assert.ok(inside, "the focus has left the dialog");
    }
    await browser.page.keyboard.press("Escape");
    await browser.dialog("Keyboard").waitFor({ state: "detached" });
    assert.equal(await browser.page.evaluate(() => document.activeElement.textContent), before);
  },

  async the_theme_is_chosen_and_kept(browser) {
    await browser.page.evaluate(() => localStorage.removeItem("giromq.theme"));
    await browser.go("/");
    const themes = [];
    for (let step = 0; step < 3; step++) {
      await browser.page.getByRole("button", { name: /^Theme/ }).click();
      themes.push(await browser.page.evaluate(() => document.documentElement.dataset.theme));
    }
    assert.deepEqual(themes.slice(0, 2), ["light", "dark"]);
    await browser.page.reload();
    await browser.page.getByRole("button", { name: "Theme: of the system" }).waitFor();
  },
};
