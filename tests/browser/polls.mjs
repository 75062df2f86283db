// A poll in the page: the list says why it fails and where it goes on, a person sets its cursor, and the editor knows `http`.

import { strict as assert } from "node:assert";
import { browse, byTest, card, nothingWrong, open } from "./session.mjs";

await browse(async (browser) => {
  const window = await open(browser, { width: 1440, height: 900 });
  const { page } = window;
  await page.goto("/schedules");
  const row = byTest(page, "schedule-row", '[data-schedule="changes/new"]');
  await row.locator(".badge.bad").getByText("failed").waitFor();
  await byTest(row, "fires").click();
  await byTest(page, "poll-failure", '[data-class="transient"]').getByText("503").waitFor();
  await byTest(page, "fire-list").waitFor();

  await byTest(page, "set-cursor").click();
  const text = page.locator("#poll-cursor-text");
  assert.equal(await text.inputValue(), "");
  await text.fill("not json");
  await byTest(page, "cursor-confirm").click();
  await page.getByText("This is no JSON").waitFor();
  await text.fill('{"after": 7}');
  await byTest(page, "cursor-confirm").click();
  await byTest(page, "cursor-form").waitFor({ state: "detached" });
  await byTest(page, "poll-state").getByText('{"after":7}').waitFor();

  // The editor: the connection of a trigger, and what its script sees.
  await page.goto("/flows/changes");
  await card(page, "new").locator(".card-title").click();
  await page.getByText("This script calls out").waitFor();
  const script = page.locator(".code-editor.block .cm-content").first();
  await script.click();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.press("Enter");
  await page.keyboard.type("http.");
  const offered = page.locator(".cm-tooltip-autocomplete");
  await offered.getByText("patch").waitFor();
  assert.equal(await offered.getByText("trim").count(), 0);
  nothingWrong(window);
});
