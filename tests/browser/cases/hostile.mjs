import assert from "node:assert/strict";

const turns = /[\u0000-\u0008\u000b-\u001f\u202a-\u202e\u2066-\u2069]/;
const markup = "img, iframe, object, embed, script, link, style, b, i, [onerror], [onclick], [onload], [onmouseover], a[href^='javascript']";

/** On the page as it is, all that somebody has written is text: there, and nothing but text. */
async function isInert(browser, where, isWhole = true) {
  // A page that has not asked yet looks as settled as one that has its answer; what is missing in the end is told below.
  const isShown = () =>
    [...document.querySelectorAll("main, dialog[open], .toasts")].some((place) => place.textContent.includes("<img src=x onerror=alert(1)>"));
  if (isWhole) await browser.page.waitForFunction(isShown).catch(() => undefined);
  const { text, elements, title } = await browser.page.evaluate((selector) => {
    const places = [...document.querySelectorAll("main, dialog[open], .toasts")];
    return {
      text: places.map((place) => place.textContent).join("\n"),
      elements: places.flatMap((place) => [...place.querySelectorAll(selector)].map((element) => element.outerHTML.slice(0, 200))),
      title: document.title,
    };
  }, markup);
  if (isWhole) {
    assert.ok(text.includes("<img src=x onerror=alert(1)>"), `${where} does not show the hostile text`);
    assert.ok(text.includes("\\u202Egnp.exe"), `${where} does not write out what turns text around`);
  }
  assert.deepEqual(elements, [], where);
  assert.ok(!turns.test(text) && !turns.test(title), `${where} lets characters work that turn text around`);
}

const inQueue = (target, rest) => `/queue?name=${encodeURIComponent(target.hostile)}${rest}`;

export const hostileCases = {
  async names_that_others_choose_are_only_text(browser, target) {
    if (!target.hostile) return;
    const connections = await target.api("GET", "connections");
    const { id } = connections.items.find((one) => one.containerId === target.hostile);
    const places = {
      queues: "/queues?filter=%3Cimg",
      queue: inQueue(target, ""),
      settings: inQueue(target, "&tab=settings"),
      connections: "/connections",
      connection: `/connection?id=${id}`,
      consumers: `/consumers?connection=${id}`,
      producers: `/producers?connection=${id}`,
      ...(target.lacks.has("audit") ? {} : { audit: "/audit?object=%3Cimg" }),
    };
    for (const [name, path] of Object.entries(places)) {
      await browser.visit(path);
      await isInert(browser, name);
      await browser.shoot(`hostile-${name}`);
    }
    await browser.visit("/certificates");
    await isInert(browser, "certificates", false);
    assert.match(await browser.page.locator("main").innerText(), /img src=x onerror=alert\(1\)\\>\\u202Egnp/);
    await browser.visit("/users");
    await browser.page.getByRole("link", { name: target.hostileUser, exact: true }).waitFor();
    assert.equal(await browser.page.locator("main b").count(), 0);
  },

  async all_that_a_message_says_is_only_text(browser, target) {
    if (!target.hostile) return;
    await browser.go(inQueue(target, "&tab=messages&c=messageId,correlationId,user,group"));
    await isInert(browser, "messages");
    await browser.page.locator(".split-list a[data-row]").first().click();
    for (const tab of ["Body", "Properties", "Headers"]) {
      await browser.page.locator(".panel").getByRole("link", { name: tab }).click();
      await browser.page.locator(`.panel a[aria-current=page]`, { hasText: tab }).waitFor();
      await browser.settled();
      await isInert(browser, tab);
      await browser.shoot(`hostile-message-${tab.toLowerCase()}`);
    }
    for (const view of ["Text", "Hex"]) {
      await browser.page.locator(".panel").getByRole("link", { name: "Body" }).click();
      await browser.page.locator(".panel .body-view").getByRole("link", { name: view }).click();
      await browser.settled();
      await isInert(browser, view, view !== "Hex");
    }
  },

  async the_reason_of_a_dead_letter_is_only_text(browser, target) {
    if (!target.hostile) return;
    await browser.go(`/queue?name=${target.deadLetters}&tab=messages`);
    await browser.page.locator(".split-list a[data-row]").last().click();
    await browser.page.locator(".panel .body-view").waitFor();
    await isInert(browser, "dead letter");
  },

  async a_name_that_cannot_be_typed_is_confirmed_as_it_is_written(browser, target) {
    if (!target.hostile) return;
    await browser.go(inQueue(target, ""));
    await browser.page.getByRole("button", { name: "Purge" }).click();
    await isInert(browser, "dialog");
    await browser.confirmDanger("Purge the queue", "Purge", "<img src=x onerror=alert(1)>\\u202Egnp.exe\\u202C");
    await browser.toast(/purged from <img/);
    await isInert(browser, "toast");
  },
};
