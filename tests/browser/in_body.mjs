// The body of an `each` step is drawn like a flow: opened by mouse and by keyboard, with the values of the first item, undone,
// published and called.

import { strict as assert } from "node:assert";
import { api, cards, field, newCard, partner, port, saved } from "./drawing.mjs";
import { mouse } from "./mouse.mjs";
import { browse, byTest, card, nothingWrong, open } from "./session.mjs";

const TOTAL = "#{ sku: item.sku, total: item.qty * item.price }";
const BOOKING = "#{ sku: item.sku, line: index, total: input.total }";
const RESULT = "#{ mark: input.body.mark, total: steps.item.total }";
const LINES = { lines: [{ sku: "DESK", qty: 2, price: 40 }, { sku: "LAMP", qty: 1, price: 9 }] };

await browse(async (browser) => {
  const window = await open(browser, { width: 1440, height: 900 });
  const { page } = window;
  const { keyboard } = page;
  const { middle, drag } = mouse(page);
  const write = async (place, text) => {
    const input = field(page, place).locator(".cm-content, input, textarea").first();
    await input.click({ clickCount: 3 });
    await keyboard.press("ControlOrMeta+A");
    await keyboard.insertText(text);
  };
  const choose = async (id) => {
    await page.mouse.click(...(await middle(card(page, id).locator(".card-title"))));
    await byTest(page, "inspector").locator(`[data-testid="card-kind"]`).waitFor();
  };
  const adds = async (deed, kind, list = "quick-add") => {
    const before = await cards(page);
    await deed();
    await page.locator(`#${list}-list [data-pick="${kind}"]`).click();
    return newCard(page, before);
  };
  const has = (selector) => page.waitForFunction((selector) => document.activeElement?.closest(selector) !== null, selector);
  const crumbs = byTest(page, "crumbs");
  // What the drawing shows: the titles on the way, and the cards.
  const isDrawn = async (way, ids) => {
    await page.waitForFunction((ids) => {
      const drawn = [...document.querySelectorAll('[data-testid="card"]')].map((card) => card.dataset.card);
      return JSON.stringify(drawn.sort()) === ids;
    }, JSON.stringify([...ids].sort()));
    if (way.length === 0) await crumbs.waitFor({ state: "detached" });
    else assert.deepEqual(await crumbs.locator(".crumb").allInnerTexts(), ["Lines", ...way]);
  };
  // What an expression at a place gives for the first item of the sample.
  const gives = (place, text) => field(page, place).locator('[data-testid="computed"] code', { hasText: text }).first().waitFor();

  // From the palette onto the link between what is there.
  await page.goto("/flows/lines");
  await card(page, "answer").waitFor();
  await byTest(page, "bar-add").click();
  const before = await cards(page);
  const entry = page.locator('#palette-list [data-pick="each"]');
  await entry.scrollIntoViewIfNeeded();
  await drag(entry, await middle(byTest(page, "link").first(), 0.8));
  const each = await newCard(page, before);
  await byTest(page, "palette-close").click();
  assert.equal(await byTest(page, "link").count(), 2);
  const outside = ["in", "answer", each];
  await choose(each);
  await write(`/steps/${each}/config/items`, "input.body.lines");
  await card(page, each).locator(".card-summary", { hasText: "1 step inside" }).waitFor();
  assert.equal(await byTest(page, "body-count").innerText(), "1 step inside");

  // In by a double click. Only what may stand there is offered, and everything sees the first item.
  await page.mouse.dblclick(...(await middle(card(page, each).locator(".card-title"))));
  await isDrawn(["For each"], ["item"]);
  await byTest(page, "body-item").locator("text=DESK").waitFor();
  const at = `/steps/${each}/config/body/steps`;
  await byTest(page, "bar-add").click();
  for (const [kind, offered] of [["schedule", 0], ["respond", 0], ["each", 1], ["map", 1], ["http", 1]]) {
    assert.equal(await page.locator(`#palette-list [data-pick="${kind}"]`).count(), offered, kind);
  }
  await byTest(page, "palette-close").click();
  await choose("item");
  await write(`${at}/item/config/script`, TOTAL);
  await gives(`${at}/item/config/script`, '{"sku":"DESK","total":80}');

  // A step by a click on a port, and one by a link that is drawn to it.
  const http = await adds(async () => page.mouse.click(...(await middle(port(page, "item", "ok")))), "http");
  await choose(http);
  await field(page, `${at}/${http}/config/method`).locator("select").selectOption("POST");
  await write(`${at}/${http}/config/url`, `${partner}/bookings`);
  await field(page, `${at}/${http}/config/body`).locator('[data-mode="expression"]').click();
  await field(page, `${at}/${http}/config/body`).locator(".cm-content").waitFor();
  await write(`${at}/${http}/config/body`, BOOKING);
  await gives(`${at}/${http}/config/body`, '{"line":0,"sku":"DESK","total":80}');
  const [x, y] = await middle(card(page, http));
  const map = await adds(() => page.mouse.dblclick(x, y + 160), "map");
  assert.equal(await byTest(page, "link").count(), 1);
  await drag(port(page, http, "ok"), card(page, map));
  await choose(map);
  await write(`${at}/${map}/config/script`, RESULT);
  const inside = ["item", http, map];

  // Back by the crumbs; what is undone from there is shown where it is.
  await crumbs.locator("button", { hasText: "Lines" }).click();
  await isDrawn([], outside);
  await card(page, each).locator(".card-summary", { hasText: "3 steps inside" }).waitFor();
  await byTest(page, "bar-undo").click();
  await isDrawn(["For each"], inside);
  await byTest(page, "bar-redo").click();
  await isDrawn(["For each"], inside);

  // The same by the keyboard: out by Escape, in by Enter, out by a key, in by a command.
  await keyboard.press("Escape");
  await page.locator(".card.chosen").first().waitFor({ state: "detached" });
  await keyboard.press("Escape");
  await isDrawn([], outside);
  await has(`[data-card="${each}"] .card-face`);
  await keyboard.press("Enter");
  await isDrawn(["For each"], inside);
  await has(".card-face");
  await keyboard.press("u");
  await isDrawn([], outside);
  await has(`[data-card="${each}"] .card-face`);
  await keyboard.press(" ");
  await card(page, each).and(page.locator(".chosen")).waitFor();
  await keyboard.press("ControlOrMeta+K");
  await has("#finder-search");
  await keyboard.type("body of the step");
  await page.locator('#finder-list [data-pick="OpenBody"][aria-selected="true"]').waitFor();
  await keyboard.press("Enter");
  await isDrawn(["For each"], inside);

  // A step by the keyboard within a body in the body, and all of it taken back.
  await keyboard.press("a");
  await has("#palette-search");
  await keyboard.type("each");
  await page.locator('#palette-list [data-pick="each"][aria-selected="true"]').waitFor();
  await keyboard.press("Enter");
  const inner = await newCard(page, inside);
  await has(`[data-card="${inner}"] .card-face`);
  await keyboard.press("Enter");
  await isDrawn(["For each", "For each"], ["item_2"]);
  assert.equal(await crumbs.getAttribute("aria-label"), "Where you are in the flow");
  await keyboard.press("ControlOrMeta+Z");
  await isDrawn(["For each"], inside);

  // A problem inside is counted outside, and found from there with its field.
  await choose(map);
  await write(`${at}/${map}/config/script`, "input +");
  await card(page, map).locator('[data-testid="card-problems"]').waitFor();
  await crumbs.locator("button", { hasText: "Lines" }).click();
  await card(page, each).locator('[data-testid="card-problems"] .number', { hasText: "1" }).waitFor();
  await byTest(page, "canvas").focus();
  await keyboard.press("n");
  await isDrawn(["For each"], inside);
  await has(`[data-at="${at}/${map}/config/script"]`);
  await write(`${at}/${map}/config/script`, RESULT);

  await saved(page);
  const { steps, links, layout } = (await api("/flows/lines")).steps[each].config.body;
  assert.deepEqual(Object.keys(steps).sort(), [...inside].sort());
  assert.deepEqual(links, [{ from: "item", to: http }, { from: http, to: map }]);
  assert.deepEqual(Object.keys(layout).sort(), [...inside].sort());

  // Published, and called.
  await byTest(page, "publish").first().click();
  await byTest(page, "publish-changes").waitFor();
  await byTest(page, "publish-confirm").click();
  await byTest(page, "publish-close").click();
  const answer = await fetch(`${process.env.WEIR_URL}/in/main/lines`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(LINES),
  });
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), [{ mark: "DESK-0", total: 80 }, { mark: "LAMP-1", total: 9 }]);
  nothingWrong(window);
});
