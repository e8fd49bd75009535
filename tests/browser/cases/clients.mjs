import assert from "node:assert/strict";

async function closeFirst(browser, path, label, title) {
  await browser.go(path);
  const button = browser.page.getByRole("button", { name: label }).first();
  const name = await button.getAttribute("aria-label");
  await button.click();
  const dialog = browser.dialog(title);
  await dialog.getByLabel("Reason").fill("maintenance");
  await browser.shoot(`close-${name.split(" ")[1]}`);
  assert.deepEqual(await browser.axe(), []);
  await browser.confirmDanger(title, "Close it", name.match(/\d+/)[0]);
  await browser.toast("Told to close");
  await browser.page.getByRole("button", { name, exact: true }).waitFor({ state: "detached" });
}

export const clientCases = {
  async a_connection_shows_its_consumers_and_producers(browser) {
    await browser.go("/connections");
    await browser.page.locator("a[data-row]").first().click();
    await browser.page.getByRole("heading", { name: /^Connection/ }).waitFor();
    await browser.settled();
    await browser.page.getByRole("region", { name: "Sessions" }).waitFor();
    await browser.shoot("connection");
    assert.deepEqual(await browser.axe(), []);
  },

  async a_consumer_is_closed(browser) {
    await closeFirst(browser, "/consumers", /^Close consumer/, /^Close consumer/);
  },

  async a_producer_is_closed(browser) {
    await closeFirst(browser, "/producers", /^Close producer/, /^Close producer/);
  },

  async a_connection_is_closed(browser) {
    await closeFirst(browser, "/connections", /^Close connection/, /^Close connection/);
  },
};
