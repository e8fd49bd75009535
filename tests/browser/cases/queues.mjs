import assert from "node:assert/strict";

const openQueue = (browser, name, tab = "") => browser.go(`/queue?name=${encodeURIComponent(name)}${tab && `&tab=${tab}`}`);
const urlHas = (browser, part) => browser.page.waitForURL((url) => url.search.includes(part));

export const queueCases = {
  async filter_and_order_of_queues_are_in_the_address(browser, target) {
    await browser.go("/queues");
    await browser.page.getByLabel("Filter by name").fill("DLQ");
    await urlHas(browser, "filter=DLQ");
    await browser.page.getByRole("link", { name: target.queue, exact: true }).waitFor({ state: "detached" });
    await browser.page.getByRole("link", { name: "Messages", exact: true }).click();
    await urlHas(browser, "sort=-messages");
    assert.equal(await browser.page.locator("th[aria-sort=descending]").innerText(), "Messages");
    await browser.page.reload();
    await browser.settled();
    assert.equal(await browser.page.getByLabel("Filter by name").inputValue(), "DLQ");
    await browser.page.goBack();
    await browser.page.waitForURL((url) => !url.search.includes("sort"));
  },

  async nothing_that_matches_is_said_so(browser) {
    await browser.go("/queues?filter=there-is-no-such-queue");
    await browser.page.getByText("Nothing matches the filter").waitFor();
    await browser.shoot("queues-empty");
  },

  async a_queue_that_is_not_there_is_told_with_the_words_of_the_broker(browser) {
    await openQueue(browser, "no.such.queue");
    await browser.page.getByRole("alert").waitFor();
    await browser.shoot("queue-missing");
    assert.match(await browser.page.getByRole("alert").innerText(), /not_found/);
  },

  async a_queue_is_created_and_shown(browser) {
    await browser.go("/queues");
    await browser.page.getByRole("button", { name: "Create queue" }).click();
    const dialog = browser.dialog("Create queue");
    await dialog.getByLabel("Name").fill("made.by.hand");
    await dialog.getByText("Settings").click();
    await dialog.getByLabel("Deliveries at most").fill("3");
    await browser.shoot("queue-create");
    assert.deepEqual(await browser.axe(), []);
    await browser.finish(dialog, "Create");
    await browser.page.getByRole("heading", { name: "made.by.hand" }).waitFor();
    await openQueue(browser, "made.by.hand", "settings");
    assert.equal(await browser.page.getByLabel("Deliveries at most").inputValue(), "3");
  },

  async settings_that_somebody_has_changed_meanwhile_are_not_overwritten(browser, target) {
    await openQueue(browser, "changed", "settings");
    await browser.page.getByLabel("Messages at most").fill("777");
    await target.change("changed", { maxDeliveries: 42 });
    await browser.page.getByRole("button", { name: "Save" }).click();
    await browser.page.getByText("Somebody has changed these settings").waitFor();
    await browser.shoot("settings-conflict");
    assert.equal(await browser.page.getByLabel("Messages at most").inputValue(), "777");
    await browser.page.getByLabel("Deliveries at most").fill("42");
    await browser.page.getByRole("button", { name: "Save" }).click();
    await browser.toast("Settings saved");
    await openQueue(browser, "changed", "settings");
    assert.equal(await browser.page.getByLabel("Messages at most").inputValue(), "777");
    assert.equal(await browser.page.getByLabel("Deliveries at most").inputValue(), "42");
  },

  async a_queue_is_paused_and_resumed(browser) {
    await openQueue(browser, "changed");
    await browser.page.getByRole("button", { name: "Pause receiving" }).click();
    await browser.page.getByText("Receiving paused").waitFor();
    await browser.page.getByRole("button", { name: "Resume receiving" }).click();
    await browser.page.getByRole("button", { name: "Pause receiving" }).waitFor();
  },

  async purging_asks_for_the_name_and_the_password(browser) {
    await openQueue(browser, "purged");
    await browser.page.getByRole("button", { name: "Purge" }).click();
    assert.deepEqual(await browser.axe(), []);
    await browser.shoot("purge");
    // A login is as good as a confirmation for five minutes; here the broker seems to ask all the same.
    await browser.page.route(
      "**/purge",
      (route) =>
        route.fulfill({
          status: 403,
          contentType: "application/problem+json",
          body: JSON.stringify({ type: "about:blank", title: "give your password again", status: 403, code: "confirmation_required" }),
        }),
      { times: 1 },
    );
    const asked = browser.page.waitForRequest("**/session/confirm");
    await browser.confirmDanger("Purge the queue", "Purge", "purged");
    await asked;
    await browser.toast(/purged from purged/);
    await openQueue(browser, "purged", "messages");
    await browser.page.getByText("The queue is empty").waitFor();
  },

  async deleting_a_queue_asks_for_its_name(browser) {
    await openQueue(browser, "doomed");
    await browser.page.getByRole("button", { name: "Delete" }).click();
    await browser.confirmDanger("Delete the queue", "Delete", "doomed");
    await browser.page.getByRole("heading", { name: "Queues" }).waitFor();
    await openQueue(browser, "doomed");
    await browser.page.getByRole("alert").waitFor();
  },

  async ten_thousand_queues_are_paged_and_filtered_by_the_broker(browser, target) {
    if (!target.many) return;
    await browser.go("/queues?filter=settlement.");
    await browser.page.getByRole("link", { name: target.many.first, exact: true }).waitFor();
    assert.ok((await browser.page.locator("tbody tr").count()) <= 50);
    await browser.page.getByRole("button", { name: "Next" }).click();
    await browser.page.getByRole("link", { name: target.many.first, exact: true }).waitFor({ state: "detached" });
    await browser.page.getByRole("button", { name: "Previous" }).click();
    await browser.page.getByRole("link", { name: target.many.first, exact: true }).waitFor();
    await browser.page.getByLabel("Filter by name").fill(target.many.last);
    await browser.page.getByRole("link", { name: target.many.last, exact: true }).waitFor();
    assert.equal(await browser.page.locator("tbody tr").count(), 1);
  },

  async figures_move_without_a_reload(browser, target) {
    if (!target.traffic) return;
    await openQueue(browser, target.traffic);
    await browser.page.waitForFunction(() => document.querySelector(".live-state.live"));
    await browser.page.waitForFunction(() => /[1-9][\d.]*\/s/.test(document.querySelector(".chart .legend").textContent));
  },
};
