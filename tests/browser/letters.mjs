// Dead letters by mouse: one is looked after, one discarded, one replayed with another message, one that may have happened gets
// its answer, the rest goes at once; and a run that waits is cancelled.

import { strict as assert } from "node:assert";
import { browse, byTest, nothingWrong, open } from "./session.mjs";

const row = (page, run) => byTest(page, "letter-row", `[data-run="${run}"]`);
const [ADA, GONE, MENDED, UNSURE] = process.env.WEIR_LETTERS.split(",");
const WAITING = process.env.WEIR_WAITING;

/** Puts a text into an editor of code. */
async function write(page, id, text) {
  const content = page.locator(`.cm-content#${id}, #${id} .cm-content`).first();
  await content.click();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.insertText(text);
}

async function chooses(page, run, deed) {
  await byTest(row(page, run), "letter-menu").click();
  await byTest(page, deed).click();
  await byTest(page, "deal-form").waitFor();
}

await browse(async (browser) => {
  const window = await open(browser);
  const { page } = window;
  await page.goto("/");
  await byTest(page, "nav").getByRole("link", { name: "Dead letters" }).click();
  await row(page, ADA).waitFor();
  assert.equal(await byTest(page, "letter-row").count(), 5);

  await chooses(page, ADA, "claim");
  await page.locator("#claim-owner").fill("Ada");
  await page.locator("#claim-note").fill("asked the carrier");
  await byTest(page, "deal-confirm").click();
  await row(page, ADA).getByText("asked the carrier").waitFor();

  await chooses(page, GONE, "discard");
  await page.locator("#discard-by").fill("Grace");
  // Enter sends the dialog.
  await page.locator("#discard-note").press("Enter");
  await row(page, GONE).waitFor({ state: "detached" });

  await byTest(row(page, MENDED), "replay").click();
  await byTest(page, "replay-write").getByText("made before").waitFor();
  await byTest(page, "replay-edit").check();
  await page.locator("#replay-from").selectOption("start");
  await write(page, "replay-body", '{"id": 3, "what": ');
  await page.getByText("Not JSON").waitFor();
  assert.ok(await byTest(page, "replay-confirm").isDisabled());
  await write(page, "replay-body", '{"id": 3, "what": "good"}');
  await byTest(page, "replay-write").waitFor();
  await byTest(page, "replay-confirm").click();
  await page.waitForURL(/\/runs\/(?!.*\?)/);
  await byTest(page, "run-status").locator('[data-status="succeeded"]').waitFor();
  assert.ok((await byTest(page, "run-origin").getAttribute("href")).endsWith(MENDED));

  await page.goto("/dead-letters");
  await byTest(row(page, UNSURE), "replay").click();
  await byTest(page, "replay-write").waitFor();
  assert.ok(await byTest(page, "replay-confirm").isDisabled(), "first a person must say what happened");
  await page.locator("#replay-happened").selectOption("yes");
  await write(page, "replay-output", '{"body": {"mark": "seen there"}}');
  await byTest(page, "replay-plan").getByText("No call").waitFor();
  await byTest(page, "replay-confirm").click();
  await byTest(page, "run-origin").waitFor();
  await byTest(page, "run-status").locator('[data-status="succeeded"]').waitFor();

  await page.goto("/dead-letters?flow=shipping");
  await byTest(page, "replay-all").click();
  await byTest(page, "many-plan").getByText("2 runs will be replayed").waitFor();
  await byTest(page, "many-confirm").click();
  await byTest(page, "many-progress", '[data-over="true"]').getByText("2 dealt with").waitFor();
  await byTest(page, "many-close").click();
  // They failed again: these are dead letters of their own, and the old ones say who replays them.
  await byTest(page, "letter-row").nth(1).waitFor();
  await row(page, ADA).waitFor({ state: "detached" });
  await byTest(page, "state-replayed").click();
  await row(page, ADA).getByRole("link").nth(1).waitFor();

  await page.goto(`/runs/${WAITING}`);
  await byTest(page, "cancel-run").click();
  await page.locator("#cancel-by").fill("Ada");
  await byTest(page, "cancel-confirm").click();
  await byTest(page, "run-status").locator('[data-status="cancelled"]').waitFor();
  await byTest(page, "run-cancelled").getByText("Cancelled by Ada").waitFor();
  await byTest(page, "replay").waitFor();

  nothingWrong(window);
  console.log("dead letters are claimed, discarded, replayed and settled, and a run is cancelled");
});
