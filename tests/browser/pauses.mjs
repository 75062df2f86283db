// A flow is paused in the list and resumed on its own page; meanwhile what arrives waits, and every page that shows it says so.

import { strict as assert } from "node:assert";
import { browse, byTest, nothingWrong, open } from "./session.mjs";

const { WEIR_URL } = process.env;
const row = (page) => byTest(page, "flow-row", '[data-flow="orders"]');

/** Sends a message, as a partner does, and gives the status and the body of the answer. */
async function send(id) {
  const answer = await fetch(`${WEIR_URL}/in/main/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ id }),
  });
  return [answer.status, await answer.json()];
}

await browse(async (browser) => {
  const window = await open(browser);
  const { page } = window;
  await page.goto("/");
  // The menu of a flow stays open while its runs go by.
  await byTest(row(page), "flow-menu").click();
  assert.equal((await send("before"))[0], 200);
  await row(page).locator(".day-count").getByText("1", { exact: true }).waitFor();
  await byTest(page, "pause").click();
  await row(page).getByText("Paused", { exact: true }).waitFor();
  await byTest(page, "toasts").getByText("is paused").waitFor();

  const runs = [];
  for (const id of ["first", "second"]) {
    const [status, { paused, run }] = await send(id);
    assert.deepEqual([status, paused], [202, true]);
    runs.push(run);
  }
  await page.goto("/schedules");
  await byTest(page, "schedule-row", '[data-schedule="orders/nightly"]').getByText("flow paused").waitFor();
  await byTest(page, "schedule-row", '[data-schedule="orders/resting"]').getByText("trigger switched off").waitFor();
  await page.goto("/");
  await row(page).getByText("2 waiting").waitFor();
  await page.goto(`/runs/${runs[0]}`);
  await byTest(page, "run-status").locator('[data-status="waiting"]').waitFor();

  await page.goto("/flows/orders");
  await byTest(page, "flow-state").getByText("Paused", { exact: true }).waitFor();
  await byTest(page, "flow-menu").click();
  await byTest(page, "pause").getByText("Resume").waitFor();
  await byTest(page, "pause").click();
  await byTest(page, "flow-state").getByText("Paused", { exact: true }).waitFor({ state: "detached" });
  for (const run of runs) {
    await page.goto(`/runs/${run}`);
    await byTest(page, "run-status").locator('[data-status="succeeded"]').waitFor();
  }
  await page.goto("/");
  await row(page).waitFor();
  await row(page).getByText("waiting").waitFor({ state: "detached" });
  const [status, { id }] = await send("third");
  assert.deepEqual([status, id], [200, "third"]);

  await page.goto("/system");
  await byTest(page, "servers").getByText("this one").waitFor();

  nothingWrong(window);
  console.log("a flow is paused, says so wherever it is shown, and goes on");
});
