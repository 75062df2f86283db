// What waits for a person: the list by flow, a form that is refused and then right, a rejection, what is over, and the way from a run.

import { strict as assert } from "node:assert";
import { browse, byTest, nothingWrong, open } from "./session.mjs";

const [FIRST, SECOND, THIRD, FOURTH] = process.env.WEIR_RUNS.split(",");
const row = (page, run) => byTest(page, "approval-row", `[data-id="${run}.ask"]`);

await browse(async (browser) => {
  const window = await open(browser);
  const { page } = window;
  await page.goto("/");
  await byTest(page, "nav").getByRole("link", { name: "Approvals" }).click();
  await row(page, FIRST).waitFor();
  assert.equal(await byTest(page, "approval-row").count(), 4);

  await row(page, FIRST).getByRole("link", { name: "Order A-1" }).click();
  const form = byTest(page, "decide-form");
  await form.getByText("Look twice at A-1.").waitFor();
  // Enter approves; the server says what is missing, at its field.
  await page.locator("#answer-amount").fill("much");
  await page.locator("#decide-by").fill("Ada");
  await page.locator("#answer-amount").press("Enter");
  await form.locator("#answer-amount[aria-invalid=true]").waitFor();
  assert.equal(await row(page, FIRST).count(), 1);
  await page.locator("#answer-amount").fill("12.5");
  await page.locator("#decide-note").fill("as agreed");
  await byTest(page, "approve").click();
  await row(page, FIRST).waitFor({ state: "detached" });
  await form.waitFor({ state: "detached" });

  // The next one shows nothing of the one before.
  await row(page, SECOND).getByRole("link").click();
  await form.getByText("Look twice at A-2.").waitFor();
  assert.equal(await page.locator("#answer-amount").inputValue(), "");
  await byTest(page, "reject").click();
  await row(page, SECOND).waitFor({ state: "detached" });

  // Somebody else was quicker.
  await row(page, FOURTH).getByRole("link").click();
  await page.locator("#answer-amount").fill("4");
  const other = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ decision: "rejected", form: {} }) };
  assert.ok((await fetch(`${process.env.WEIR_URL}/api/v1/approvals/${FOURTH}.ask/decide`, other)).ok);
  await byTest(page, "approve").click();
  await byTest(page, "approval-over").getByText("decided already").waitFor();
  await byTest(page, "toasts").getByText("another answer came before").waitFor();
  await page.keyboard.press("Escape");
  await row(page, FOURTH).waitFor({ state: "detached" });

  await page.goto(`/approvals?id=${FIRST}.ask`);
  await byTest(page, "approval-over").getByText("decided already").waitFor();

  await page.goto(`/runs/${THIRD}?step=ask`);
  await byTest(page, "waits-until").waitFor();
  await byTest(page, "decide").click();
  await form.getByText("Look twice at A-3.").waitFor();
  await page.locator("#answer-amount").fill("3");
  await byTest(page, "approve").click();
  await byTest(page, "approvals").waitFor({ state: "detached" });
  await page.getByText("Nothing waits for a decision").waitFor();

  // A refused form and a decision that came too late are what this test wants; nothing else may go wrong.
  window.wrong = window.wrong.filter((what) => !/422|409/.test(what));
  nothingWrong(window);
  console.log("approvals are listed, refused with a reason, given, rejected, and found from their run");
});
