// Every page with the gallery at work: drawn without an error, and as pictures for people to look at.

import { strict as assert } from "node:assert";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { byTest, card, launch, nothingWrong, open } from "./session.mjs";

const { WEIR_URL, WEIR_SCREENS, WEIR_RUN, WEIR_FAILED_RUN } = process.env;
const widths = process.env.WEIR_WIDTHS.split(",").map(Number);
mkdirSync(WEIR_SCREENS, { recursive: true });

const api = async (path) => (await fetch(`${WEIR_URL}/api/v1${path}`)).json();
const flows = (await api("/flows?limit=200")).items;

// The pages: their name, their address, and what shows that they are there.
const pages = [
  ["flows", "/", (page) => byTest(page, "flow-row").nth(flows.length - 1).waitFor()],
  ["flow", "/flows/order-intake", (page) => card(page, "price").waitFor()],
  ["try", "/flows/order-intake", async (page) => {
    await card(page, "price").waitFor();
    await byTest(page, "try").first().click();
    await byTest(page, "try-form").waitFor();
  }],
  ["versions", "/flows/order-intake?tab=versions", (page) => byTest(page, "versions").waitFor()],
  ["document", "/flows/order-intake?tab=document", (page) => byTest(page, "document").waitFor()],
  ["runs", "/runs", (page) => byTest(page, "run-row").first().waitFor()],
  ["run", `/runs/${WEIR_RUN}?step=book`, (page) => byTest(page, "step-record").waitFor()],
  ["run-failed", `/runs/${WEIR_FAILED_RUN}`, (page) => byTest(page, "run-failure").waitFor()],
  ["dead-letters", "/dead-letters", (page) => byTest(page, "letter-row").first().waitFor()],
  ["replay", `/runs/${WEIR_FAILED_RUN}`, async (page) => {
    await byTest(page, "replay").click();
    await byTest(page, "replay-write").first().waitFor();
  }],
  ["approvals", "/approvals", (page) => byTest(page, "approval-row").first().waitFor()],
  ["decide", "/approvals", async (page) => {
    await byTest(page, "approval-row").first().getByRole("link").click();
    await byTest(page, "decide-form").waitFor();
  }],
  ["schedules", "/schedules", async (page) => {
    await byTest(page, "fires").first().click();
    await byTest(page, "fire-list").waitFor();
  }],
  ["connections", "/connections", (page) => byTest(page, "connection-row").first().waitFor()],
  ["system", "/system", (page) => byTest(page, "system").waitFor()],
];

const browser = await launch();
try {
  for (const scheme of ["light", "dark"]) {
    for (const width of widths) {
      const window = await open(browser, { width, height: width >= 1900 ? 1080 : 800, scheme });
      for (const [name, address, ready] of pages) {
        await window.page.goto(address);
        await ready(window.page);
        await window.page.evaluate(() => document.fonts.ready.then(() => undefined));
        assert.equal(await byTest(window.page, "trouble").count(), 0, `${address} is in trouble`);
        const wide = await window.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        assert.ok(wide <= 0, `${address} is ${wide} px wider than a window of ${width} px`);
        await window.page.screenshot({ path: join(WEIR_SCREENS, `${name}-${width}-${scheme}.png`), animations: "disabled" });
      }
      nothingWrong(window);
      await window.context.close();
    }
  }

  // Every flow is drawn as its document says: a card for each trigger and step, a line for each link.
  const window = await open(browser);
  for (const { id } of flows) {
    const flow = await api(`/flows/${id}`);
    await window.page.goto(`/flows/${id}`);
    const ids = [...Object.keys(flow.triggers), ...Object.keys(flow.steps)];
    await card(window.page, ids[0]).waitFor();
    const drawn = await byTest(window.page, "card").evaluateAll((cards) => cards.map((card) => card.dataset.card));
    assert.deepEqual(drawn.sort(), ids.sort(), id);
    assert.equal(await byTest(window.page, "link").count(), flow.links.length, `the links of ${id}`);
  }
  nothingWrong(window);
  console.log(`${flows.length} flows drawn, pictures in ${WEIR_SCREENS}`);
} finally {
  await browser.close();
}
