import assert from "node:assert/strict";

const open = (browser, queue, rest = "") => browser.go(`/queue?name=${encodeURIComponent(queue)}&tab=messages${rest}`);
const rows = (browser) => browser.page.locator(".split-list tbody tr");
const firstIds = async (browser) => browser.page.locator(".split-list a[data-row]").allInnerTexts();

async function press(browser, name) {
  await browser.page.locator(".toolbar").first().getByRole("button", { name, exact: true }).click();
}

export const messageCases = {
  async a_selector_in_sql_selects_and_is_in_the_address(browser, target) {
    await open(browser, target.queue);
    await browser.page.getByLabel("Selector, in SQL or XML").fill("currency = 'EUR'");
    await browser.page.getByRole("button", { name: "Search", exact: true }).click();
    await browser.page.waitForURL(
      (url) => url.searchParams.get("selector") === "currency = 'EUR'" && url.searchParams.get("syntax") === "sql",
    );
    await browser.page.getByText(/matches among/).waitFor();
    await browser.page.getByText("All that match").waitFor();
  },

  async a_selector_that_is_wrong_is_told_with_its_place(browser, target) {
    await open(browser, target.queue, `&syntax=sql&selector=${encodeURIComponent("currency = 'EUR' AND")}`);
    await browser.page.getByRole("alert").waitFor();
    assert.match(await browser.page.getByRole("alert").innerText(), /1:\d|line 1/);
  },

  async the_form_writes_a_selector_in_xml(browser, target) {
    await open(browser, target.queue);
    await browser.page.getByRole("button", { name: "Build…" }).click();
    const dialog = browser.dialog("Build a selector");
    await dialog.getByLabel("Name").fill("currency");
    await dialog.getByLabel("Value", { exact: true }).fill("EUR");
    await dialog.getByRole("button", { name: "XML" }).click();
    assert.match(await dialog.locator("pre").innerText(), /<eq><property name="currency"\/><string v="EUR"\/><\/eq>/);
    await browser.shoot("selector-builder");
    assert.deepEqual(await browser.axe(), []);
    await dialog.getByRole("button", { name: "Search with it" }).click();
    await browser.page.waitForURL((url) => url.searchParams.get("syntax") === "xml");
    await browser.page.getByText(/matches among/).waitFor();
  },

  async columns_are_chosen_and_in_the_address(browser, target) {
    await open(browser, target.queue);
    await browser.page.locator("summary", { hasText: "Columns" }).click();
    await browser.page.getByLabel("Priority").check();
    await browser.page.waitForURL((url) => (url.searchParams.get("c") ?? "").includes("priority"));
    await browser.page.getByRole("columnheader", { name: "Priority" }).waitFor();
  },

  async pages_of_messages_go_forth_and_back(browser, target) {
    await open(browser, target.queue);
    const first = await firstIds(browser);
    await browser.page.getByRole("button", { name: "Next" }).click();
    await browser.page.waitForURL((url) => url.searchParams.has("cursor"));
    await browser.page.waitForFunction((id) => document.querySelector(".split-list a[data-row]")?.textContent !== id, first[0]);
    const second = await firstIds(browser);
    assert.equal(first.filter((id) => second.includes(id)).length, 0);
    await browser.page.getByRole("button", { name: "Previous" }).click();
    await browser.page.waitForFunction((id) => document.querySelector(".split-list a[data-row]")?.textContent === id, first[0]);
  },

  async a_dead_letter_tells_its_origin_and_reason(browser, target) {
    await open(browser, target.deadLetters);
    await browser.page.locator(".split-list a[data-row]").first().click();
    await browser.page.locator(".panel .body-view").waitFor();
    assert.match(await browser.page.locator(".panel .notice").first().innerText(), /Dead letter: [\s\S]*From /);
    await browser.shoot("message-light");
    assert.deepEqual(await browser.axe(), []);
    for (const tab of ["Properties", "Headers"]) {
      await browser.page.locator(".panel").getByRole("link", { name: tab }).click();
      await browser.page.waitForURL((url) => url.searchParams.get("view") === tab.toLowerCase());
    }
    await browser.theme("dark");
    await browser.page.locator(".panel").getByRole("link", { name: "Body" }).click();
    await browser.page.locator(".panel .body-view").waitFor();
    await browser.shoot("message-dark");
    assert.deepEqual(await browser.axe(), []);
    await browser.theme("light");
    await browser.page.keyboard.press("Escape");
    await browser.page.locator(".panel").waitFor({ state: "detached" });
  },

  async bodies_are_shown_pretty_raw_and_in_hexadecimal(browser, target) {
    await open(browser, target.queue);
    await browser.page.locator(".split-list a[data-row]").first().click();
    const view = browser.page.locator(".panel .body-view");
    await view.locator(".code-line").first().waitFor();
    assert.ok((await view.locator(".t-tag, .t-key").count()) > 5);
    await view.getByRole("link", { name: "Hex" }).click();
    await view.getByText("00000000").waitFor();
    await view.getByRole("link", { name: "Text" }).click();
    await browser.page.waitForURL((url) => url.searchParams.get("as") === "raw");
    const saved = browser.page.waitForEvent("download");
    await browser.page.locator(".panel").getByRole("button", { name: "Download" }).click();
    assert.ok((await saved).suggestedFilename().length > 0);
  },

  async a_message_is_sent(browser) {
    await open(browser, "target");
    const before = await rows(browser).count();
    await browser.page.getByRole("button", { name: "Send message" }).click();
    const dialog = browser.page.getByRole("dialog");
    await dialog.getByLabel("Body").fill("<test><script>alert(1)</script></test>");
    await dialog.getByLabel("Content type").selectOption("application/xml");
    await dialog.getByRole("button", { name: "Property" }).click();
    await dialog.getByLabel("Name").fill("currency");
    await dialog.getByLabel("Value").fill("EUR");
    await browser.shoot("send");
    assert.deepEqual(await browser.axe(), []);
    await browser.finish(dialog, "Send");
    await browser.toast("Sent to target");
    await browser.page.waitForFunction((count) => document.querySelectorAll(".split-list tbody tr").length > count, before);
  },

  async chosen_messages_are_moved(browser, target) {
    await open(browser, target.deadLetters);
    const [first, second] = await firstIds(browser);
    await browser.page.getByLabel(`Select message ${first}`, { exact: true }).check();
    await browser.page.getByLabel(`Select message ${second}`, { exact: true }).check();
    await browser.page.getByText("2 selected messages").waitFor();
    await press(browser, "Move");
    const dialog = browser.dialog("Move messages");
    await dialog.getByLabel("To the queue").fill("target");
    await browser.shoot("move");
    assert.deepEqual(await browser.axe(), []);
    await browser.finish(dialog, "Move");
    await browser.toast("2 messages moved");
    await browser.page.getByRole("link", { name: first, exact: true }).waitFor({ state: "detached" });
  },

  async chosen_messages_are_copied(browser, target) {
    await open(browser, target.deadLetters);
    const [first] = await firstIds(browser);
    await browser.page.getByLabel(`Select message ${first}`, { exact: true }).check();
    await press(browser, "Copy");
    const dialog = browser.dialog("Copy messages");
    await dialog.getByLabel("To the queue").fill("target");
    await browser.finish(dialog, "Copy");
    await browser.toast("1 message copied");
    await browser.page.getByRole("link", { name: first, exact: true }).waitFor();
  },

  async a_dead_letter_is_retried(browser, target) {
    await open(browser, target.deadLetters);
    const [first] = await firstIds(browser);
    await browser.page.getByLabel(`Select message ${first}`, { exact: true }).check();
    await press(browser, "Retry");
    await browser.finish(browser.dialog("Retry messages"), "Retry");
    await browser.toast("1 message given back");
    await browser.page.getByRole("link", { name: first, exact: true }).waitFor({ state: "detached" });
  },

  async one_message_is_deleted_from_its_own_view(browser, target) {
    await open(browser, target.deadLetters);
    const [first] = await firstIds(browser);
    await browser.page.getByRole("link", { name: first, exact: true }).click();
    await browser.page.locator(".panel").getByRole("button", { name: "Delete" }).click();
    await browser.confirmDanger("Delete messages", "Delete", target.deadLetters);
    await browser.page.locator(".panel").waitFor({ state: "detached" });
    await browser.page.getByRole("link", { name: first, exact: true }).waitFor({ state: "detached" });
  },

  async all_that_match_are_counted_before_they_are_moved_and_watched(browser, target) {
    await open(browser, target.deadLetters, `&syntax=sql&selector=${encodeURIComponent("currency = 'EUR'")}`);
    await press(browser, "Move");
    const dialog = browser.dialog("Move messages");
    await dialog.getByText(/\d+ messages?, /).waitFor();
    await dialog.getByLabel("To the queue").fill("target");
    await dialog.getByRole("button", { name: "Move", exact: true }).click();
    const confirm = browser.dialog("Confirm that it is you");
    const done = browser.page.locator(".operation-state").filter({ hasText: /^done/ });
    await done.or(confirm).first().waitFor();
    if (await confirm.isVisible()) {
      await confirm.getByLabel("Password").fill(browser.password);
      await confirm.getByRole("button", { name: "Confirm", exact: true }).click();
      await done.waitFor();
    }
    await browser.shoot("operation");
    await browser.page.getByRole("dialog").locator(".dialog-foot").getByRole("button", { name: "Close" }).click();
    await browser.page.getByText("No message matches").waitFor();
    await browser.go("/operations");
    await browser.page.getByRole("cell", { name: "move" }).first().waitFor();
    await browser.shoot("operations-done");
  },

  async an_operation_under_way_is_cancelled(browser) {
    const { page } = browser;
    // Those of the tests end too soon, so the broker seems to be at one that runs.
    const list = "**/api/v1/operations?**";
    let state = "running";
    await page.route(list, async (route) => {
      const answer = await (await route.fetch()).json();
      answer.items = [{ ...answer.items[0], id: "4711", state, matched: 1000, done: 250, endedAt: null }];
      await route.fulfill({ json: answer });
    });
    const cancelled = page.waitForRequest((request) => request.method() === "DELETE" && request.url().endsWith("/operations/4711"));
    await page.route("**/api/v1/operations/4711", (route) => {
      state = "cancelled";
      return route.fulfill({ json: {} });
    });
    try {
      await browser.go("/operations");
      await page.locator("progress[value='250'][max='1000']").waitFor();
      await browser.shoot("operation-running");
      assert.deepEqual(await browser.axe(), []);
      await page.getByRole("button", { name: "Cancel operation 4711" }).click();
      await cancelled;
      await page.getByRole("cell", { name: "cancelled" }).waitFor();
    } finally {
      await page.unrouteAll({ behavior: "wait" });
    }
  },

  async all_messages_are_deleted_only_after_the_name_was_typed(browser) {
    await open(browser, "target");
    await press(browser, "Delete");
    const dialog = browser.dialog("Delete messages");
    await dialog.getByText(/\d+ messages?, /).waitFor();
    await dialog.getByLabel(/^Type the/).fill("target");
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await browser.page.locator(".operation-state").filter({ hasText: /^done/ }).waitFor();
    await browser.page.getByRole("dialog").locator(".dialog-foot").getByRole("button", { name: "Close" }).click();
    await browser.page.getByText("The queue is empty").waitFor();
  },
};
