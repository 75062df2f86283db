// What hands do to a drawing: choose, move, copy, paste, cut, insert, lead links elsewhere, and take all of it back.

import { strict as assert } from "node:assert";
import { api, cards, newCard, port, saved } from "./drawing.mjs";
import { mouse } from "./mouse.mjs";
import { browse, byTest, card, nothingWrong, open } from "./session.mjs";

const FLOW = "/flows/hands";

await browse(async (browser) => {
  const window = await open(browser, { width: 1440, height: 900 });
  const { context, page } = window;
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { middle, drag, click } = mouse(page);
  const { keyboard } = page;
  const before = await (await fetch(`${process.env.WEIR_URL}/api/v1${FLOW}`)).text();
  const links = async () => byTest(page, "link").count();
  const chosen = async () => page.locator(".card.chosen").evaluateAll((cards) => cards.map((card) => card.dataset.card).sort());
  const waitFor = async (what, look) => {
    await page.waitForFunction(([count, of]) => document.querySelectorAll(`[data-testid="${of}"]`).length === count, [look, what]);
  };
  const title = (id) => card(page, id).locator(".card-title");

  await page.goto(FLOW);
  await card(page, "end").waitFor();
  const whole = await cards(page);
  assert.equal(await links(), 4);

  // A marquee chooses what it covers; Shift takes one more.
  const [ax, ay] = await middle(card(page, "first"), 0, 0);
  const [bx, by] = await middle(card(page, "second"), 1, 1);
  await drag([ax - 15, ay - 40], [bx + 15, by + 40]);
  assert.deepEqual(await chosen(), ["first", "second"]);
  await keyboard.down("Shift");
  await click(title("end"));
  await keyboard.up("Shift");
  assert.deepEqual(await chosen(), ["end", "first", "second"]);

  // All that is chosen moves with the one that is dragged, onto the grid.
  const places = async () => Object.fromEntries(await page.locator('[data-testid="card"]').evaluateAll((cards) => cards.map((card) => [card.dataset.card, card.style.transform])));
  const still = await places();
  const [tx, ty] = await middle(title("second"));
  await drag([tx, ty], [tx, ty + 80]);
  const moved = await places();
  for (const id of whole) assert.equal(moved[id] !== still[id], ["end", "first", "second"].includes(id), id);
  await keyboard.press("ControlOrMeta+Z");
  await page.waitForFunction((still) => [...document.querySelectorAll('[data-testid="card"]')].every((card) => card.style.transform === still[card.dataset.card]), still);

  // Copied and pasted: with the links between them, under ids of their own; the text is JSON that other windows take.
  await keyboard.press("ControlOrMeta+C");
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.deepEqual(Object.keys(JSON.parse(text).steps).sort(), ["end", "first", "second"]);
  await keyboard.press("ControlOrMeta+V");
  await waitFor("card", whole.length + 3);
  await waitFor("link", 5);
  assert.deepEqual(await chosen(), ["end_2", "first_2", "second_2"]);
  await keyboard.press("ControlOrMeta+Z");
  await waitFor("card", whole.length);
  await keyboard.press("ControlOrMeta+Y");
  await waitFor("card", whole.length + 3);
  await keyboard.press("ControlOrMeta+Z");
  await waitFor("card", whole.length);

  // A step that is written as text is pasted as well, and what is no piece of a flow is told so and changes nothing.
  const piece = { format: JSON.parse(text).format, steps: { typed: { kind: "map", config: { script: "1" } } } };
  await page.evaluate((text) => navigator.clipboard.writeText(text), JSON.stringify(piece));
  await click(byTest(page, "canvas"), { position: { x: 5, y: 5 } }).catch(() => undefined);
  await keyboard.press("ControlOrMeta+V");
  await card(page, "typed").waitFor();
  await keyboard.press("ControlOrMeta+X");
  await card(page, "typed").waitFor({ state: "detached" });
  await page.evaluate(() => navigator.clipboard.writeText("no flow at all"));
  await keyboard.press("ControlOrMeta+V");
  await byTest(page, "toasts").locator("*").first().waitFor();
  assert.deepEqual(await cards(page), whole);

  // A step dragged out of the palette onto a link goes in between.
  await byTest(page, "bar-add").click();
  await byTest(page, "bar-fit").click();
  await drag(page.locator('#palette-list [data-pick="map"]'), await onLink(page, middle, "first", "second"));
  const between = await newCard(page, whole);
  await byTest(page, "palette-close").click();
  await waitFor("link", 5);
  await saved(page);
  const line = ({ from, port = "ok", to }) => `${from} ${port} ${to}`;
  let lines = (await api(FLOW)).links.map(line);
  assert.ok(lines.includes(`first ok ${between}`) && lines.includes(`${between} ok second`), lines.join(", "));

  // A link may not lead in a circle, and says so; it may be led elsewhere by its end.
  await byTest(page, "bar-fit").click();
  await drag(port(page, "end", "ok"), card(page, "first"));
  await waitFor("link", 5);
  await keyboard.press("Escape");

  // Everything back, step by step, is the document as it was, byte for byte.
  const undo = byTest(page, "bar-undo");
  while ((await undo.getAttribute("aria-disabled")) === "false") await undo.click();
  await saved(page);
  const after = await (await fetch(`${process.env.WEIR_URL}/api/v1${FLOW}`)).text();
  assert.equal(after, before);
  nothingWrong(window);
});

/** The middle of the link between two cards, where no card is. */
async function onLink(page, middle, from, to) {
  const [ax, ay] = await middle(card(page, from), 1, 0.5);
  const [bx, by] = await middle(card(page, to), 0, 0.5);
  return [(ax + bx) / 2, (ay + by) / 2];
}
