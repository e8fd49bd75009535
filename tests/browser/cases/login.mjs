import assert from "node:assert/strict";

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

  async logging_out_ends_the_session(browser, target) {
    await browser.go("/");
    await browser.page.getByRole("button", { name: "Log out" }).click();
    await browser.page.getByRole("heading", { name: "Log in" }).waitFor();
    await browser.page.reload();
    await browser.page.getByRole("heading", { name: "Log in" }).waitFor();
    await browser.logIn(target.user, target.password);
  },
};
