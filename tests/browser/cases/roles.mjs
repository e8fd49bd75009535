import assert from "node:assert/strict";

/** Runs `look` in a browser of its own, in which somebody else has logged in. */
async function as(browser, target, user, look) {
  const context = await browser.chromium.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1440, height: 900 } });
  const page = await browser.newPage(context);
  try {
    await page.goto(`${browser.origin}/console/queue?name=${target.queue}&tab=messages`);
    await page.getByLabel("User").fill(user);
    await page.getByLabel("Password").fill(target.password);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
    await page.getByRole("heading", { name: target.queue }).waitFor();
    await look(page);
  } finally {
    await context.close();
  }
}

const button = (page, name) => page.locator("main").getByRole("button", { name, exact: true });

export const roleCases = {
  async an_auditor_sees_no_messages_and_is_offered_no_change(browser, target) {
    if (!target.auditor) return;
    await as(browser, target, target.auditor, async (page) => {
      await page.getByText("Not for your role").waitFor();
      await page.screenshot({ path: `${browser.screenshots}/auditor-messages.png` });
      for (const name of ["Purge", "Delete", "Pause sending", "Move", "Copy", "Send message"])
        assert.equal(await button(page, name).count(), 0, name);
      await page.goto(`${browser.origin}/console/transaction?xid=${encodeURIComponent(target.prepared.at(-1))}`);
      await page.getByText("Messages it holds").waitFor();
      assert.equal(await button(page, "Commit…").count(), 0);
      assert.equal(await page.getByRole("link", { name: "Configuration" }).count(), 0);
      await page.screenshot({ path: `${browser.screenshots}/auditor.png` });
    });
  },

  async an_operator_works_with_messages_and_not_with_users(browser, target) {
    if (!target.operator) return;
    await as(browser, target, target.operator, async (page) => {
      await page.locator(".split-list a[data-row]").first().waitFor();
      for (const name of ["Purge", "Pause sending", "Move", "Copy"]) assert.equal(await button(page, name).count(), 1, name);
      await page.goto(`${browser.origin}/console/users`);
      await page.getByRole("heading", { name: "Users" }).waitFor();
      await page.getByText("Not for your role").waitFor();
      assert.equal(await button(page, "Create user").count(), 0);
      await page.screenshot({ path: `${browser.screenshots}/operator-users.png` });
    });
  },

  async what_was_shown_to_one_user_is_not_shown_to_the_next(browser, target) {
    if (!target.auditor) return;
    const context = await browser.chromium.newContext({ ignoreHTTPSErrors: true });
    const page = await browser.newPage(context);
    const logIn = async (user) => {
      await page.getByLabel("User").fill(user);
      await page.getByLabel("Password").fill(target.password);
      await page.getByRole("button", { name: "Log in", exact: true }).click();
    };
    try {
      await page.goto(`${browser.origin}/console/queue?name=${target.queue}&tab=messages`);
      await logIn(target.operator);
      await page.locator(".split-list a[data-row]").first().click();
      await page.locator(".panel .code-line").first().waitFor();
      // The session ends by itself; somebody else logs in at the same place.
      await context.clearCookies();
      await page.locator(".split-list a[data-row]").nth(1).click();
      await page.getByText("Your session has ended").waitFor();
      await page.goBack();
      await logIn(target.auditor);
      await page.getByText("Not for your role").first().waitFor();
      assert.equal(await page.locator(".panel .code-line").count(), 0);
    } finally {
      await context.close();
    }
  },
};
