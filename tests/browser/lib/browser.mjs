import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// The packages are installed into the build folder, which NODE_PATH names; only require() looks there.
const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");

const executables = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

export function chromiumPath() {
  return executables.find(existsSync) ?? null;
}

/** A browser whose pages remember whatever must not happen: policy violations, errors, requests to other hosts. */
export class Browser {
  troubles = [];

  static async open(origin, screenshots) {
    const browser = new Browser();
    browser.origin = origin;
    browser.screenshots = screenshots;
    mkdirSync(screenshots, { recursive: true });
    // The sandbox of Chromium cannot be set up by root, which CI is.
    browser.chromium = await chromium.launch({
      executablePath: chromiumPath(),
      args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-device-scale-factor=1"],
    });
    browser.context = await browser.chromium.newContext({
      viewport: { width: 1440, height: 900 },
      ignoreHTTPSErrors: true,
      reducedMotion: "reduce",
      locale: "en-GB",
    });
    await browser.context.addInitScript(() => {
      document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
      );
    });
    browser.page = await browser.newPage();
    return browser;
  }

  async newPage(context = this.context) {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => {
      // A refusal of the API is written to the console by the browser itself; those that tests provoke are not errors of the page.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        this.troubles.push(`console: ${message.text()}`);
    });
    page.on("dialog", (dialog) => {
      this.troubles.push(`a script has run: ${dialog.type()} ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("pageerror", (error) => this.troubles.push(`error: ${error.stack}`));
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (url.host !== new URL(this.origin).host && url.protocol !== "data:" && url.protocol !== "blob:")
        this.troubles.push(`request to another host: ${url}`);
    });
    return page;
  }

  async go(path) {
    await this.page.goto(`${this.origin}/console${path}`);
    await this.settled();
  }

  /** To another page without loading the console again, as its own links lead. */
  async visit(path) {
    // Before it is drawn it hears of no change of the address.
    await this.page.locator(".sidebar").waitFor({ state: "attached" });
    await this.page.evaluate((target) => {
      history.pushState(null, "", target);
      dispatchEvent(new PopStateEvent("popstate"));
    }, `/console${path}`);
    // The page is drawn in the next frame, and asks for what it shows.
    await this.page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0))));
    await this.settled();
  }

  /** What was asked for has come. */
  async settled() {
    await this.page.waitForFunction(() => !document.querySelector("[aria-busy=true]:not(button)"));
  }

  async shoot(name, options = {}) {
    await this.page.screenshot({ path: join(this.screenshots, `${name}.png`), ...options });
  }

  async theme(theme) {
    await this.page.evaluate((chosen) => localStorage.setItem("giromq.theme", chosen), theme);
    await this.page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
    await this.page.evaluate((chosen) => {
      document.documentElement.dataset.theme = chosen;
    }, theme);
  }

  /** What axe finds on the page as it is, in words; by all its rules for WCAG 2.2 AA, or by some. */
  async axe(rules = null, page = this.page) {
    const isThere = await page.evaluate(() => "axe" in window);
    if (!isThere) await page.evaluate(axeSource);
    const violations = await page.evaluate(async (chosen) => {
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
      const result = await window.axe.run(document, { runOnly: chosen ?? tags, resultTypes: ["violations"] });
      return result.violations.map(
        (one) =>
          `${one.id}: ${one.help} ${one.nodes
            .slice(0, 3)
            .map((node) => `${node.target.join(" ")} ${node.failureSummary ?? ""}`)
            .join(" | ")}`,
      );
    }, rules);
    return violations;
  }

  dialog(name) {
    return this.page.getByRole("dialog", { name });
  }

  /** Presses the button that ends a dialog, gives the password if the broker asks for it, and waits until the dialog is gone. */
  async finish(dialog, action) {
    await dialog.getByRole("button", { name: action, exact: true }).click();
    const confirm = this.dialog("Confirm that it is you");
    await this.page.waitForFunction(
      () => document.querySelectorAll("dialog[open]").length !== 1 || document.querySelector("dialog[open] [role=alert]"),
    );
    if (await confirm.isVisible()) {
      await confirm.getByLabel("Password").fill(this.password);
      await confirm.getByRole("button", { name: "Confirm", exact: true }).click();
    }
    await dialog.waitFor({ state: "hidden" });
  }

  /** A dialog of something that cannot be undone: nothing happens before the right text is typed. */
  async confirmDanger(title, action, typed, reason) {
    const dialog = this.dialog(title);
    const button = dialog.getByRole("button", { name: action, exact: true });
    if (!(await button.isDisabled())) throw new Error(`"${action}" can be pressed before anything is typed`);
    if (reason) await dialog.getByLabel("Reason").fill(reason);
    await dialog.getByLabel(/^Type the/).fill(`${typed}x`);
    if (!(await button.isDisabled())) throw new Error(`"${action}" can be pressed with the wrong text`);
    await dialog.getByLabel(/^Type the/).fill(typed);
    await this.finish(dialog, action);
  }

  async toast(text) {
    await this.page.locator(".toast").filter({ hasText: text }).first().waitFor();
  }

  async logIn(user, password) {
    await this.page.goto(`${this.origin}/console/`);
    await this.page.getByLabel("User").fill(user);
    await this.page.getByLabel("Password").fill(password);
    await this.page.getByRole("button", { name: "Log in", exact: true }).click();
    await this.page.locator(".sidebar").waitFor({ state: "attached" });
    this.password = password;
  }

  async close() {
    await this.chromium.close();
  }
}
