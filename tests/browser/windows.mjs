// Two windows on one draft: what one draws the other sees; where both change the same, a person decides.

import { strict as assert } from "node:assert";
import { api, cards, field, newCard, saved } from "./drawing.mjs";
import { browse, byTest, card, open } from "./session.mjs";

const FLOW = "/flows/hands";
const SCRIPT = "/steps/first/config/script";

await browse(async (browser) => {
  const [one, two] = [await open(browser), await open(browser)];
  for (const { page } of [one, two]) {
    await page.goto(FLOW);
    await card(page, "end").waitFor();
  }
  const write = async (page, text) => {
    await card(page, "first").locator(".card-title").click();
    await field(page, SCRIPT).locator(".cm-content").click();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.insertText(text);
  };
  const script = async () => (await api(FLOW)).steps.first.config.script;

  // What one adds stands in the other, without a reload.
  const before = await cards(one.page);
  await one.page.keyboard.press("Escape");
  await card(one.page, "end").locator(".card-face").focus();
  await one.page.keyboard.press("a");
  await one.page.locator("#palette-search").fill("fail");
  await one.page.keyboard.press("Enter");
  const added = await newCard(one.page, before);
  await byTest(one.page, "palette-close").click();
  await saved(one.page);
  await card(two.page, added).waitFor();

  // Different parts at once: both are there.
  const release = await held(two.page);
  await write(two.page, "input.body.second_window");
  await card(one.page, "second").locator(".card-title").click();
  await field(one.page, "/steps/second/config/script").locator(".cm-content").click();
  await one.page.keyboard.press("ControlOrMeta+A");
  await one.page.keyboard.insertText("input.first_window");
  await saved(one.page);
  release();
  await saved(two.page);
  const both = await api(FLOW);
  assert.equal(both.steps.first.config.script, "input.body.second_window");
  assert.equal(both.steps.second.config.script, "input.first_window");

  // The same part at once: nothing is overwritten silently, and whoever is second chooses.
  for (const [choice, wins] of [["torn-keep", "22"], ["torn-take", "11"]]) {
    const release = await held(two.page);
    await write(two.page, "22");
    await write(one.page, "11");
    await saved(one.page);
    release();
    await byTest(two.page, "torn").waitFor();
    assert.equal(await script(), "11");
    await byTest(two.page, choice).click();
    await byTest(two.page, "torn").waitFor({ state: "detached" });
    await saved(two.page);
    assert.equal(await script(), wins);
    await field(one.page, SCRIPT).locator(`.cm-content:has-text("${wins}")`).waitFor();
    if (choice === "torn-keep") await write(one.page, "0");
    await saved(one.page);
    await field(two.page, SCRIPT).locator('.cm-content:has-text("0")').or(field(two.page, SCRIPT).locator('.cm-content:has-text("11")')).waitFor();
  }
  // A refusal by If-Match is an answer of 412, which the browser notes as an error.
  for (const { wrong } of [one, two]) assert.deepEqual(wrong.filter((line) => !line.includes("412")), []);
});

/** Holds back what a window saves until it is released. */
async function held(page) {
  const waiting = [];
  let open = false;
  const gate = async (route) => {
    if (route.request().method() === "PUT" && !open) await new Promise((go) => waiting.push(go));
    await route.continue();
  };
  await page.route("**/api/v1/flows/hands?*", gate);
  return () => {
    open = true;
    for (const go of waiting) go();
  };
}
