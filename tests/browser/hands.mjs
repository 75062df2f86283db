// What a hand does in the editor: fields by their place in the document, ports, drags, lists to pick from.

import { byTest, card } from "./session.mjs";

/** The field at a place of the document. */
export function field(page, at) {
  return page.locator(`.form-field[data-at="${at}"]`).first();
}

/** Puts a text where a person would type it, whatever kind of input is there; `mode` switches to value or expression first. */
export async function fill(page, at, text, mode) {
  const place = at.startsWith("/") ? field(page, at) : page.locator(`#${at}`).locator("xpath=ancestor-or-self::*[1]");
  if (mode) await place.locator(`[data-mode="${mode}"]`).first().click();
  const input = at.startsWith("/")
    ? place.locator(".cm-content, textarea, select, input:not([type=radio]):not([type=checkbox])").first()
    : page.locator(`#${at}`).first();
  await input.waitFor();
  if ((await input.getAttribute("contenteditable")) === "true") {
    await input.click();
    await page.keyboard.press("Control+a");
    await page.keyboard.insertText(text);
  } else {
    await input.fill(text);
  }
  await input.evaluate((element) => element.blur());
}

/** A port of a card. */
export function port(page, id, name) {
  return card(page, id).locator(`[data-testid="port"][data-port="${name}"]`);
}

/** Picks a kind in an open list. */
export async function pick(page, list, kind) {
  await byTest(page, `${list}-search`).fill(kind);
  await page.locator(`#${list}-list [data-pick="${kind}"]`).first().click();
}

/** Adds a step of a kind by the plus at a port. */
export async function addFrom(page, id, name, kind) {
  await card(page, id).hover();
  await port(page, id, name).click();
  await pick(page, "quick-add", kind);
  await card(page, kind).waitFor();
}

/** Drags something to a place of the window, as a hand does: in small steps. */
export async function drag(page, from, to) {
  const box = await from.boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 8, box.y + box.height / 2 + 4, { steps: 3 });
  await page.mouse.move(to.x, to.y, { steps: 12 });
  await page.mouse.up();
}

/** Waits until the draft is saved. */
export async function saved(page) {
  await byTest(page, "save-state").locator("xpath=self::*[contains(@class,'saved')]").waitFor();
}

/** Undoes everything by the button. */
export async function undoAll(page) {
  const undo = byTest(page, "bar-undo");
  while (await undo.isEnabled()) await undo.click();
}
