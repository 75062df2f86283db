// From an empty list to a published, running flow, by mouse alone: webhook, map, branch, http, respond.

import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import { byTest, card, cardState, launch, nothingWrong, open } from "./session.mjs";
import { addFrom, drag, field, fill, pick, port, saved, undoAll } from "./hands.mjs";

const { WEIR_URL, WEIR_PARTNER, WEIR_SECRET, WEIR_MARK } = process.env;
const browser = await launch();
try {
  const window = await open(browser, { width: 1440, height: 900 });
  const { page } = window;

  // A new flow, and what starts it.
  await page.goto("/");
  await byTest(page, "new-flow").first().click();
  await page.fill("#new-flow-title", "Shop orders");
  await byTest(page, "new-flow-create").click();
  await page.waitForURL("**/flows/shop-orders");
  await byTest(page, "start", '[data-kind="webhook"]').click();
  await card(page, "webhook").waitFor();
  await fill(page, "/triggers/webhook/config/path", "/shop");
  await field(page, "/triggers/webhook/config/verify/scheme").locator("select").selectOption({ label: "GitHub" });
  await field(page, "/triggers/webhook/config/verify/secret").locator('[data-testid="secret-create"]').click();
  await page.locator("dialog[open] input").first().fill("shop-secret");
  await page.locator("dialog[open] input").nth(1).fill(WEIR_SECRET);
  await byTest(page, "secret-save").click();
  await page.locator("dialog[open]").waitFor({ state: "detached" });

  // A mapper from the plus at its port, with a script that is completed and checked as it is typed.
  await addFrom(page, "webhook", "ok", "map");
  await fill(page, "/steps/map/config/script", "let total = 0.0; for item in input.body.items { total += item.qty * item.price; } #{ id: input.body.id, total: total }");

  // A branch, its cases, and a call behind the large one.
  await addFrom(page, "map", "ok", "branch");
  await fill(page, "/steps/branch/config/cases/0/port", "large");
  await fill(page, "/steps/branch/config/cases/0/when", "input.total >= 100");
  await fill(page, "/steps/branch/config/otherwise", "small");
  await port(page, "branch", "large").waitFor();
  // A link that is dropped on empty ground asks what to add.
  const ground = await byTest(page, "canvas").boundingBox();
  await drag(page, port(page, "branch", "large"), { x: ground.x + ground.width - 260, y: ground.y + 120 });
  await pick(page, "quick-add", "http");
  await card(page, "http").waitFor();
  await field(page, "/steps/http/config/method").locator("select").selectOption("POST").catch(() => fill(page, "/steps/http/config/method", "POST"));
  await byTest(page, "connection-create").first().click();
  await page.fill("#connection-name", "erp");
  await page.fill("#connection-base", WEIR_PARTNER);
  await byTest(page, "connection-save").click();
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await fill(page, "/steps/http/config/path", "/bookings");
  await fill(page, "/steps/http/config/body", "steps.map", "expression");
  await saved(page);

  // A reply, dragged from the palette, linked from both ways by dragging.
  await byTest(page, "bar-add").click();
  await byTest(page, "palette-search").fill("respond");
  await drag(page, byTest(page, "pick", '[data-pick="respond"]').first(), { x: ground.x + ground.width - 260, y: ground.y + 330 });
  await card(page, "respond").waitFor();
  await byTest(page, "palette-close").click();
  const entry = await card(page, "respond").boundingBox();
  await drag(page, port(page, "http", "ok"), { x: entry.x + 30, y: entry.y + entry.height / 2 });
  await drag(page, port(page, "branch", "small"), { x: entry.x + 30, y: entry.y + entry.height / 2 });
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="link"]').length === 5);
  await saved(page);

  // Everything undone is the empty drawing, and everything done again is the flow, byte for byte.
  const drawn = await draft("shop-orders");
  await undoAll(page);
  await byTest(page, "canvas-start").waitFor();
  const redo = byTest(page, "bar-redo");
  while (await redo.isEnabled()) await redo.click();
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="link"]').length === 5);
  await saved(page);
  assert.equal(await draft("shop-orders"), drawn, "undo and redo of everything");

  // Tried with real actions, and watched.
  await byTest(page, "try").first().click();
  const body = { id: "A-1", items: [{ qty: 2, price: 80 }] };
  await fill(page, "try-body", JSON.stringify(body));
  await byTest(page, "try-run").click();
  await cardState(page, "http", "succeeded");
  await byTest(page, "try-result").locator('[data-status="succeeded"]').waitFor();
  assert.equal(await card(page, "respond").getAttribute("data-status"), "succeeded");

  // Published, and called as the partner calls it.
  await byTest(page, "publish").first().click();
  await byTest(page, "publish-changes").waitFor();
  await byTest(page, "publish-confirm").click();
  await byTest(page, "publish-close").click();
  const text = JSON.stringify({ ...body, id: "A-2" });
  const signature = `sha256=${createHmac("sha256", WEIR_SECRET).update(text).digest("hex")}`;
  const answer = await fetch(`${WEIR_URL}/in/main/shop`, { method: "POST", body: text, headers: { "content-type": "application/json", "x-hub-signature-256": signature } });
  assert.equal(answer.status, 202, await answer.text());
  const run = answer.headers.get("weir-run");

  // The run, drawn on its version; and from it back into the editor, with its data.
  await page.goto(`/runs/${run}`);
  await byTest(page, "run-status").locator('[data-status="succeeded"]').waitFor();
  await byTest(page, "run-edit").click();
  await page.waitForURL("**/flows/shop-orders?run=*");
  await card(page, "map").click();
  await page.getByRole("tab", { name: "Data" }).click();
  await byTest(page, "output").filter({ hasText: "160" }).waitFor();
  assert.ok(!(await page.content()).includes(WEIR_SECRET), "the secret stands in the page");
  console.log(`drawn, tried, published and run by mouse; the partner said ${WEIR_MARK}`);
  nothingWrong(window);
} finally {
  await browser.close();
}

async function draft(id) {
  return (await fetch(`${WEIR_URL}/api/v1/flows/${id}`)).text();
}
