// From an empty list to a published, running flow by the mouse: keys are only for what is written into fields.

import { strict as assert } from "node:assert";
import { BOOKING, KEY, LARGE, SCRIPT, WHEN, cards, drawn, field, newCard, partner, port, runsAreSeen, saved, wasDrawn } from "./drawing.mjs";
import { mouse } from "./mouse.mjs";
import { browse, byTest, card, cardState, nothingWrong, open } from "./session.mjs";

await browse(async (browser) => {
  const window = await open(browser, { width: 1440, height: 900 });
  const { page } = window;

  const { middle, drag } = mouse(page);
  // Writes into an input or a code editor, in place of what stands there.
  const write = async (place, text) => {
    const input = field(page, place).locator(".cm-content, input, textarea").first();
    await input.click({ clickCount: 3 });
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.insertText(text);
  };
  const expression = async (place, text) => {
    await field(page, place).locator('[data-mode="expression"]').click();
    await field(page, place).locator(".cm-content").waitFor();
    await write(place, text);
  };
  const choose = async (id) => {
    await page.mouse.click(...(await middle(card(page, id).locator(".card-title"))));
    await byTest(page, "inspector").locator(`[data-testid="card-kind"]:has-text("${id}")`).waitFor();
  };
  // Does something that adds a card of a kind from the list that opens, and gives its id.
  const adds = async (deed, kind) => {
    const before = await cards(page);
    await deed();
    await page.locator(`#quick-add-list [data-pick="${kind}"]`).click();
    return newCard(page, before);
  };

  // An empty list says how to begin; the new flow asks what starts it.
  await page.goto("/");
  await byTest(page, "empty").waitFor();
  await byTest(page, "new-flow").first().click();
  await page.locator("#new-flow-title").click();
  await page.keyboard.insertText("Orders by mouse");
  await byTest(page, "new-flow-create").click();
  await page.waitForURL("**/flows/orders-by-mouse");
  await page.locator('[data-testid="start"][data-kind="webhook"]').click();
  const trigger = await newCard(page, []);
  await choose(trigger);
  await write(`/triggers/${trigger}/config/path`, "/mouse");
  await field(page, `/triggers/${trigger}/config/verify/secret`).locator('[data-testid="secret-create"]').click();
  await page.locator("#secret-value").click();
  await page.keyboard.insertText(KEY);
  await byTest(page, "secret-save").click();
  await byTest(page, "secret-form").waitFor({ state: "detached" });

  // A step by dragging it out of the palette, and a link by dragging from a port.
  const [x, y] = await middle(card(page, trigger));
  const before = await cards(page);
  await byTest(page, "bar-add").click();
  await drag(page.locator('#palette-list [data-pick="map"]'), [x + 260, y + 10]);
  const map = await newCard(page, before);
  await byTest(page, "palette-close").click();
  await drag(port(page, trigger, "ok"), card(page, map));
  await choose(map);
  await write(`/steps/${map}/config/script`, SCRIPT);

  // A step where a link is dropped on the empty ground, and its two ways.
  const [mx, my] = await middle(card(page, map));
  const branch = await adds(() => drag(port(page, map, "ok"), [mx + 230, my]), "branch");
  await choose(branch);
  await write(`/steps/${branch}/config/cases/0/port`, "large");
  await write(`/steps/${branch}/config/cases/0/when`, WHEN);
  await write(`/steps/${branch}/config/otherwise`, "small");

  // A step by a click on a port, and what it calls.
  await port(page, branch, "large").waitFor();
  const http = await adds(async () => page.mouse.click(...(await middle(port(page, branch, "large")))), "http");
  await choose(http);
  await field(page, `/steps/${http}/config/method`).locator("select").selectOption("POST");
  await write(`/steps/${http}/config/url`, `${partner}/bookings`);
  await expression(`/steps/${http}/config/body`, BOOKING);
  const respond = await adds(async () => page.mouse.click(...(await middle(port(page, http, "ok")))), "respond");
  await byTest(page, "bar-fit").click();
  await drag(port(page, branch, "small"), card(page, respond));

  // What is in the middle of a link is added there, undone, done again and undone.
  const whole = await cards(page);
  const link = page.locator(`[data-testid="link"][data-link="0"]`);
  await page.mouse.move(...(await middle(link)));
  const inserted = await adds(() => byTest(page, "link-plus").first().click(), "map");
  assert.equal(await byTest(page, "link").count(), 6);
  for (const [bar, there] of [["bar-undo", 0], ["bar-redo", 1], ["bar-undo", 0]]) {
    await byTest(page, bar).click();
    await card(page, inserted).waitFor({ state: there ? "attached" : "detached" });
  }
  assert.deepEqual(await cards(page), whole);

  await saved(page);
  const flow = await wasDrawn(drawn({ flow: "orders-by-mouse", title: "Orders by mouse", trigger, map, branch, http, respond }));
  assert.equal(flow.steps[map].config.script, SCRIPT);

  // Tried with a typed message: the partner is not called, the drawing shows the way.
  await byTest(page, "try").click();
  await page.locator("#try-body").click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.insertText(JSON.stringify(LARGE));
  await byTest(page, "try-run").click();
  await byTest(page, "try-result").locator('[data-status="succeeded"]').waitFor();
  await cardState(page, http, "succeeded");

  // Published with what changed in words, then called and watched.
  await byTest(page, "publish").first().click();
  await byTest(page, "publish-changes").waitFor();
  await byTest(page, "publish-confirm").click();
  await byTest(page, "publish-close").click();
  await runsAreSeen(page, { http, respond }, "/mouse");
  nothingWrong(window);
});
