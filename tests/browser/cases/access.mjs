import assert from "node:assert/strict";

export const accessCases = {
  async a_user_is_created_changed_and_deleted(browser) {
    await browser.go("/users");
    await browser.page.getByRole("button", { name: "Create user" }).click();
    const create = browser.dialog("Create user");
    await create.getByLabel("Name").fill("temporary-user");
    await create.getByLabel("Password").fill("a long Password 1");
    await browser.shoot("user-create");
    assert.deepEqual(await browser.axe(), []);
    await browser.finish(create, "Create");
    await browser.page.getByRole("link", { name: "temporary-user", exact: true }).click();
    const change = browser.dialog("User temporary-user");
    await change.getByLabel("Role").selectOption("auditor");
    await browser.finish(change, "Save");
    await browser.page
      .getByRole("row", { name: /temporary-user/ })
      .getByText("auditor")
      .waitFor();
    await browser.page.getByRole("button", { name: "Delete the user temporary-user" }).click();
    await browser.confirmDanger("Delete the user", "Delete", "temporary-user");
    await browser.page.getByRole("link", { name: "temporary-user", exact: true }).waitFor({ state: "detached" });
  },

  async a_permission_is_given_tested_and_taken_away(browser) {
    await browser.go("/permissions");
    await browser.page.getByRole("button", { name: "Allow" }).click();
    const dialog = browser.dialog("Allow");
    await dialog.getByLabel("Name").fill("payments-app");
    await dialog.getByLabel("Queues").fill("browser.test.#");
    await dialog.getByLabel("purge").check();
    await browser.shoot("permission-create");
    assert.deepEqual(await browser.axe(), []);
    await browser.finish(dialog, "Allow");
    await browser.page.getByText("browser.test.#").waitFor();
    const ask = async (action, answer) => {
      await browser.page.getByLabel("User", { exact: true }).fill("payments-app");
      await browser.page.getByLabel("Action").selectOption(action);
      await browser.page.getByLabel("Queue", { exact: true }).fill("browser.test.one");
      await browser.page.getByRole("button", { name: "Ask the broker" }).click();
      await browser.page.locator(".tester-answer").getByText(answer).waitFor();
    };
    await ask("purge", "Yes.");
    await ask("delete", "No.");
    await browser.page.getByRole("button", { name: /browser\.test/ }).click();
    await browser.confirmDanger("Take the permission away", "Take away", "payments-app");
    await browser.page.getByText("browser.test.#").waitFor({ state: "detached" });
    await ask("purge", "No.");
  },

  async the_audit_log_is_filtered_read_and_verified(browser, target) {
    await browser.go("/audit");
    await browser.page.getByRole("button", { name: "Verify the chain" }).click();
    await browser.page.getByText("Intact:").waitFor();
    await browser.shoot("audit-verified");
    await browser.page.getByLabel("User").fill(target.user);
    await browser.page.waitForURL((url) => url.searchParams.get("user") === target.user);
    await browser.settled();
    await browser.page.locator("a[data-row]").first().click();
    await browser.page.getByRole("dialog").getByText("Hash").waitFor();
    assert.deepEqual(await browser.axe(), []);
    await browser.page.keyboard.press("Escape");
    await browser.page.getByRole("dialog").waitFor({ state: "detached" });
  },

  async a_selector_is_stored_changed_and_deleted(browser) {
    await browser.go("/selectors");
    await browser.page.getByRole("button", { name: "Store selector" }).click();
    const dialog = browser.dialog("Store selector");
    await dialog.getByLabel("Name").fill("browserTest");
    await dialog.getByLabel("Text, in SQL or XML").fill("currency =  NULL");
    await dialog.getByRole("button", { name: "Save" }).click();
    await dialog.getByRole("alert").waitFor();
    await dialog.getByLabel("Text, in SQL or XML").fill("currency = 'EUR'");
    await browser.finish(dialog, "Save");
    await browser.page.getByRole("link", { name: "browserTest" }).click();
    const change = browser.dialog("Selector browserTest");
    await change.getByLabel("Text, in SQL or XML").fill("currency = 'CHF'");
    await browser.finish(change, "Save");
    await browser.page.getByRole("button", { name: "Delete the selector browserTest" }).click();
    await browser.confirmDanger("Delete the selector", "Delete", "browserTest");
    await browser.page.getByRole("link", { name: "browserTest" }).waitFor({ state: "detached" });
  },

  async the_store_is_backed_up(browser) {
    await browser.go("/configuration");
    await browser.page.getByLabel("File", { exact: true }).fill("browser-test.db");
    await browser.page.getByRole("button", { name: "Back up" }).click();
    await browser.page.getByText("Complete:").waitFor();
  },

  async the_configuration_is_exported_compared_and_applied(browser) {
    await browser.go("/configuration");
    const saved = browser.page.waitForEvent("download");
    await browser.page.getByRole("button", { name: "Export" }).click();
    assert.match((await saved).suggestedFilename(), /\.xml$/);
    await browser.page.getByRole("button", { name: "Load into the editor" }).click();
    await browser.page.waitForFunction(() => document.querySelector("textarea").value.includes("<"));
    const exported = await browser.page.getByLabel("Document", { exact: true }).inputValue();
    await browser.page
      .getByLabel("Document", { exact: true })
      .fill(exported.replace(/<queue name="changed"[^>]*>/, '<queue name="changed" max-deliveries="43"/>'));
    await browser.page.getByRole("button", { name: "Compare" }).click();
    await browser.page.getByRole("region", { name: "Changes" }).waitFor();
    await browser.shoot("configuration-compared");
    assert.deepEqual(await browser.axe(), []);
    await browser.page.getByRole("button", { name: "Apply…" }).click();
    await browser.confirmDanger("Apply the document", "Apply", "apply");
    await browser.page
      .getByText(/\d changes? made\./)
      .first()
      .waitFor();
  },
};
