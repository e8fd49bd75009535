import assert from "node:assert/strict";

const open = (browser, xid) => browser.go(`/transaction?xid=${encodeURIComponent(xid)}`);

export const transactionCases = {
  async a_branch_in_doubt_is_committed_by_hand_and_then_forgotten(browser, target) {
    const xid = target.prepared[0];
    await open(browser, xid);
    await browser.page.getByRole("button", { name: "Commit…" }).click();
    await browser.page.getByText("This is a heuristic decision").waitFor();
    await browser.shoot("commit-by-hand");
    assert.deepEqual(await browser.axe(), []);
    await browser.confirmDanger("Commit in place of the manager", "Commit", xid.slice(-8), "The manager's host is gone.");
    await browser.page.getByText("decided this by hand").waitFor();
    await browser.page.getByText("The manager's host is gone.").waitFor();
    await browser.page.getByRole("button", { name: "Forget…" }).click();
    await browser.confirmDanger("Forget the decision", "Forget", xid.slice(-8), "It will never ask.");
    await browser.page.getByRole("heading", { name: "Transactions in doubt" }).waitFor();
    await open(browser, xid);
    await browser.page.getByRole("alert").waitFor();
  },

  async a_branch_in_doubt_is_rolled_back_by_hand(browser, target) {
    const xid = target.prepared[1];
    await open(browser, xid);
    await browser.page.getByRole("button", { name: "Roll back…" }).click();
    await browser.confirmDanger("Roll back in place of the manager", "Roll back", xid.slice(-8), "Booked elsewhere.");
    await browser.page.getByText("rolled back by hand").waitFor();
  },
};
