// A person's first quarter of an hour: a connection, a flow by file, published, tried, watched, looked into, taken out again.

import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { byTest, card, cardState, launch, nothingWrong, open } from "./session.mjs";

// What the first load may weigh over the wire, in bytes.
const FIRST_LOAD = 1_120_000;

const { WEIR_FLOW, WEIR_PARTNER, WEIR_SECRET, WEIR_MARK } = process.env;
const browser = await launch();
try {
  const window = await open(browser);
  const { page, loaded } = window;

  // An empty server says what to do, and the first load is small.
  await page.goto("/");
  await byTest(page, "empty").waitFor();
  await page.evaluate(() => document.fonts.ready.then(() => undefined));
  const total = [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0);
  const list = [...loaded].map(([url, bytes]) => `  ${String(bytes).padStart(8)}  ${new URL(url).pathname}`).join("\n");
  console.log(`first load: ${total} bytes in ${loaded.size} requests\n${list}`);
  assert.ok(total > 100_000 && list.includes(".wasm") && list.includes(".woff2"), "the first load was not counted");

  // A connection with a secret that is made on the way.
  await page.goto("/connections");
  await byTest(page, "connection-new").first().click();
  await page.fill("#connection-name", "partner");
  await page.fill("#connection-base", WEIR_PARTNER);
  await page.selectOption("#connection-auth", "bearer");
  await page.fill("#connection-secret", "partner-token");
  await page.fill("#connection-secret-value", WEIR_SECRET);
  await byTest(page, "connection-save").click();
  await byTest(page, "connection-row", '[data-name="partner"]').waitFor();

  // A flow by file, then published.
  await page.goto("/");
  await byTest(page, "import-input").setInputFiles(WEIR_FLOW);
  await byTest(page, "imported").click();
  await page.waitForURL("**/flows/first");
  const flow = JSON.parse(readFileSync(WEIR_FLOW, "utf8"));
  for (const id of [...Object.keys(flow.triggers), ...Object.keys(flow.steps)]) await card(page, id).waitFor();
  assert.equal(await byTest(page, "link").count(), flow.links.length);
  await byTest(page, "publish").first().click();
  await page.fill("#publish-note", "the first version");
  await byTest(page, "publish-confirm").click();
  await byTest(page, "listening").waitFor();
  await byTest(page, "publish-close").click();
  await page.locator("dialog[open]").waitFor({ state: "detached" });

  // Tried with a message in the editor: the partner is not called, and the drawing shows how it went.
  await byTest(page, "try").click();
  await page.locator("#try-body").fill(JSON.stringify({ name: "Ada", amount: 1500 }));
  await byTest(page, "try-run").click();
  await byTest(page, "try-result").locator('[data-status="succeeded"]').waitFor();
  await cardState(page, "call", "succeeded");
  await cardState(page, "small", "skipped");
  const tried = await byTest(page, "link").evaluateAll((links) => links.map((link) => link.dataset.state));
  assert.deepEqual([...new Set(tried)].sort(), ["dead", "taken"]);

  // Started for real, and watched while it runs: the partner fails once and then takes its time.
  const started = await fetch(`${process.env.WEIR_URL}/api/v1/flows/first/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ message: { body: { name: "Ada", amount: 1500 } } }),
  });
  const { id: run } = await started.json();
  await page.goto(`/runs/${run}`);
  const live = await cardState(page, "call", "running", "waiting");
  console.log(`while it ran, the card was ${live}`);
  assert.equal(await card(page, "after").getAttribute("data-status"), "pending");
  await cardState(page, "call", "running");
  await cardState(page, "call", "succeeded");
  await cardState(page, "after", "succeeded");
  await cardState(page, "small", "skipped");
  const states = await byTest(page, "link").evaluateAll((links) => links.map((link) => link.dataset.state));
  assert.deepEqual([...new Set(states)].sort(), ["dead", "taken"]);

  // The run by itself: a step's attempts with what went over the wire, the secret masked.
  await byTest(page, "run-status").locator('[data-status="succeeded"]').waitFor();
  await card(page, "call").click();
  const record = byTest(page, "step-record");
  await record.waitFor();
  const attempts = byTest(record, "attempt");
  assert.equal(await attempts.count(), 2, "the attempts of the step");
  for (const attempt of await attempts.all()) await attempt.locator("details.exchange summary").first().click();
  const text = await record.innerText();
  for (const part of ["503", "warming up", "200", "authorization", "•••"]) assert.ok(text.includes(part), `“${part}” is not in\n${text}`);
  assert.ok(!(await page.content()).includes(WEIR_SECRET), "the secret stands in the page");
  await byTest(record, "output").waitFor();
  assert.ok((await byTest(record, "output").innerText()).includes(WEIR_MARK), "the output of the step");

  // From the run into the editor: its values are the sample there.
  await byTest(page, "run-edit").click();
  await page.waitForURL("**/flows/first?run=*");
  await byTest(page, "sample-bar").locator(`option[value="run:${run}"]`).waitFor({ state: "attached" });

  // It is in the list, and the list can be narrowed.
  await page.goto("/runs");
  await byTest(page, "run-row", `[data-run="${run}"][data-status="succeeded"]`).waitFor();
  await byTest(page, "status-failed").click();
  await byTest(page, "run-row", `[data-run="${run}"]`).waitFor({ state: "detached" });

  // The flow goes out again as the file it is on the server.
  await page.goto("/");
  const row = byTest(page, "flow-row", '[data-flow="first"]');
  const [download] = await Promise.all([page.waitForEvent("download"), byTest(row, "export").click()]);
  const served = await (await fetch(`${process.env.WEIR_URL}/api/v1/flows/first`)).text();
  assert.equal(readFileSync(await download.path(), "utf8"), served);
  assert.equal(download.suggestedFilename(), "first.json");

  // By keyboard alone: what has the focus is seen, and the import of a broken file names its problems.
  await byTest(page, "import-input").setInputFiles({ name: "broken.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify({ ...flow, id: "broken", links: [{ from: "in", to: "nowhere" }] })) });
  await byTest(page, "problem").first().waitFor();
  assert.ok((await byTest(page, "import-result").innerText()).includes("nowhere"));
  // The refusal itself is an answer of 422, which the browser notes as an error.
  window.wrong.splice(0, window.wrong.length, ...window.wrong.filter((line) => !line.includes("422")));
  nothingWrong(window);
  assert.ok(total < FIRST_LOAD, `the first load is ${total} bytes, more than ${FIRST_LOAD}; was the page built with ui/build, without --dev?`);
} finally {
  await browser.close();
}
