import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

export const loginCases = {
  async wrong_password_is_told_and_nobody_is_logged_in(browser, target) {
    const page = await browser.newPage();
    await page.context().clearCookies();
    await page.goto(`${browser.origin}/console/`);
    await page.getByLabel("User").fill(target.user);
    await page.getByLabel("Password").fill("not the password");
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.locator(".sidebar").count(), 0);
    await page.close();
    await browser.logIn(target.user, target.password);
  },

  async login_page_has_no_findings_in_light_and_dark(browser, target) {
    await browser.page.context().clearCookies();
    for (const theme of ["light", "dark"]) {
      await browser.page.goto(`${browser.origin}/console/`);
      await browser.theme(theme);
      await browser.page.getByLabel("User").waitFor();
      await browser.shoot(`login-${theme}`);
      assert.deepEqual(await browser.axe(), []);
    }
    await browser.theme("light");
    await browser.logIn(target.user, target.password);
  },

  async a_session_that_ends_leads_to_the_login_and_back_to_the_same_page(browser, target) {
    await browser.go("/queues?sort=-messages");
    await target.endSessions();
    await browser.page.getByText("Your session has ended").waitFor();
    await browser.page.getByLabel("User").fill(target.user);
    await browser.page.getByLabel("Password").fill(target.password);
    await browser.page.getByRole("button", { name: "Log in", exact: true }).click();
    await browser.page.getByRole("heading", { name: "Queues" }).waitFor();
    assert.match(browser.page.url(), /\/console\/queues\?sort=-messages$/);
  },

  async the_token_of_the_first_start_makes_one_administrator_and_no_second(browser, target) {
    if (!target.startFirst) return;
    const broker = await target.startFirst();
    const token = readFileSync(broker.tokenFile, "utf8").trim();
    const setUp = async (user) => {
      const context = await browser.chromium.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      await page.goto(`${broker.origin}/console/`);
      await page.getByRole("button", { name: "First start?" }).click();
      await page.getByLabel("Token").fill(token);
      await page.getByLabel("User").fill(user);
      await page.getByLabel("Password").fill("Correct horse 1");
      await page.screenshot({ path: `${browser.screenshots}/first-start.png` });
      assert.deepEqual(await browser.axe(null, page), []);
      await page.getByRole("button", { name: "Make the administrator" }).click();
      return page;
    };
    try {
      const first = await setUp("anna");
      await first.locator(".sidebar").getByText("anna").waitFor();
      // The file goes in its own time, after the administrator is there.
      while (existsSync(broker.tokenFile)) await wait(50);
      const second = await setUp("mallory");
      await second.getByRole("alert").waitFor();
      assert.equal(await second.locator(".sidebar").count(), 0);
      await first.context().close();
      await second.context().close();
    } finally {
      await broker.close();
    }
  },

  async a_user_changes_the_own_password_and_stays_logged_in(browser, target) {
    const change = async (current, next) => {
      await browser.page.getByRole("button", { name: "Change your password" }).click();
      const dialog = browser.dialog("Change your password");
      await dialog.getByLabel("Current password").fill(current);
      await dialog.getByLabel("New password", { exact: true }).fill(next);
      await dialog.getByLabel("New password once more").fill(next);
      return dialog;
    };
    await browser.go("/roles");
    const wrong = await change("not the password", "Another horse 2");
    await wrong.getByRole("button", { name: "Change", exact: true }).click();
    await wrong.getByRole("alert").waitFor();
    assert.deepEqual(await browser.axe(), []);
    await browser.shoot("password");
    await browser.page.keyboard.press("Escape");
    await wrong.waitFor({ state: "detached" });
    await browser.finish(await change(target.password, "Another horse 2"), "Change");
    await browser.finish(await change("Another horse 2", target.password), "Change");
    await target.logInAgain?.();
    await browser.go("/users");
    await browser.page.getByRole("heading", { name: "Users" }).waitFor();
  },

  async logging_out_ends_the_session(browser, target) {
    await browser.go("/");
    await browser.page.getByRole("button", { name: "Log out" }).click();
    await browser.page.getByRole("heading", { name: "Log in" }).waitFor();
    await browser.page.reload();
    await browser.page.getByRole("heading", { name: "Log in" }).waitFor();
    await browser.logIn(target.user, target.password);
  },
};
