// Everybody can use it: axe looks at every page and at what opens on it, in both languages and both colours.

import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { browse, byTest, card, open } from "./session.mjs";

const { WEIR_RUN, WEIR_FAILED_RUN } = process.env;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const GRAVE = ["serious", "critical"];

const flow = (then) => ["/flows/order-intake", async (page) => {
  await card(page, "price").waitFor();
  await then(page);
}];
const chosen = (id) => async (page) => {
  await card(page, id).locator(".card-face").focus();
  await page.keyboard.press("Enter");
  await byTest(page, "inspector").locator(".form-field").first().waitFor();
};
const pressed = (key, shown) => async (page) => {
  await card(page, "price").locator(".card-face").focus();
  await page.keyboard.press(key);
  await shown(page).waitFor();
};

// What is looked at: its name, its address, and how a person comes there.
const VIEWS = {
  flows: ["/", (page) => byTest(page, "flow-row").first().waitFor()],
  "new flow": ["/", async (page) => {
    await byTest(page, "new-flow").first().click();
    await page.locator("#new-flow-title").waitFor();
  }],
  drawing: flow(() => undefined),
  "a trigger": flow(chosen("order")),
  "a map": flow(chosen("price")),
  "a branch": flow(chosen("size")),
  "an action": flow(chosen("book")),
  palette: flow(pressed("a", (page) => byTest(page, "palette"))),
  search: flow(pressed("ControlOrMeta+K", (page) => byTest(page, "finder"))),
  help: flow(pressed("?", (page) => byTest(page, "help"))),
  menu: flow(async (page) => {
    await card(page, "price").locator(".card-title").click({ button: "right" });
    await byTest(page, "menu").waitFor();
  }),
  "a try": flow(async (page) => {
    await byTest(page, "try").first().click();
    await byTest(page, "try-run").click();
    await byTest(page, "try-result").waitFor();
  }),
  publishing: flow(async (page) => {
    await byTest(page, "publish").first().click();
    await byTest(page, "publish-changes").waitFor();
  }),
  "a body": ["/flows/stock-reservation", async (page) => {
    await card(page, "lines").locator(".card-face").focus();
    await page.keyboard.press("Enter");
    await byTest(page, "crumbs").waitFor();
  }],
  "a step with a body": ["/flows/stock-reservation", async (page) => {
    await card(page, "lines").locator(".card-title").click();
    await byTest(page, "body-open").waitFor();
  }],
  versions: ["/flows/order-intake?tab=versions", (page) => byTest(page, "versions").waitFor()],
  document: ["/flows/order-intake?tab=document", (page) => byTest(page, "document").waitFor()],
  runs: ["/runs", (page) => byTest(page, "run-row").first().waitFor()],
  run: [`/runs/${WEIR_RUN}?step=book`, (page) => byTest(page, "step-record").waitFor()],
  "a failed run": [`/runs/${WEIR_FAILED_RUN}`, (page) => byTest(page, "run-failure").waitFor()],
  "a replay": [`/runs/${WEIR_FAILED_RUN}`, async (page) => {
    await byTest(page, "replay").click();
    await byTest(page, "replay-write").first().waitFor();
  }],
  "dead letters": ["/dead-letters", (page) => byTest(page, "letter-row").first().waitFor()],
  "all dead letters": ["/dead-letters", async (page) => {
    await byTest(page, "replay-all").click();
    await byTest(page, "many-plan").locator("li").first().waitFor();
  }],
  approvals: ["/approvals", (page) => byTest(page, "approval-row").first().waitFor()],
  "a decision": ["/approvals", async (page) => {
    await byTest(page, "approval-row").first().getByRole("link").click();
    await byTest(page, "decide-form").waitFor();
  }],
  schedules: ["/schedules", async (page) => {
    await byTest(page, "fires").first().click();
    await byTest(page, "fire-list").waitFor();
  }],
  connections: ["/connections", (page) => byTest(page, "connection-row").first().waitFor()],
  "a new connection": ["/connections", async (page) => {
    await byTest(page, "connection-new").first().click();
    await byTest(page, "connection-form").waitFor();
  }],
  system: ["/system", (page) => byTest(page, "system").waitFor()],
};

await browse(async (browser) => {
  const found = [];
  for (const [scheme, locale] of [["light", "en-US"], ["dark", "de-DE"]]) {
    const { context, page } = await open(browser, { scheme, locale });
    for (const [name, [address, come]] of Object.entries(VIEWS)) {
      await page.goto(address);
      await come(page);
      await page.evaluate(() => document.fonts.ready.then(() => undefined));
      // What fades in is judged when it is there; what turns for ever is not waited for.
      await page.evaluate(async () => {
        const ends = document.getAnimations().filter(({ effect }) => effect.getComputedTiming().endTime !== Infinity);
        await Promise.allSettled(ends.map(({ finished }) => finished));
      });
      const { result } = await runAxe(page);
      for (const { id, impact, help, nodes } of result) {
        if (!GRAVE.includes(impact)) continue;
        for (const { target, failureSummary, scaled } of nodes) {
          // How large things of the drawing are is for the person who zooms to say.
          if (id === "target-size" && scaled) continue;
          found.push(`${name}, ${scheme}, ${locale}: ${id}: ${help}\n    ${target.join(" ")}\n    ${failureSummary.replaceAll("\n", "\n    ")}`);
        }
      }
    }
    await context.close();
  }
  assert.equal(found.length, 0, `axe finds ${found.length}:\n${found.join("\n")}`);
  console.log(`axe found nothing serious in ${Object.keys(VIEWS).length} views, in both languages and colours`);
});

// The content policy lets no script in but ours, so axe comes by way of the browser's debugger.
async function runAxe(page) {
  await page.evaluate(AXE);
  return page.evaluate(async (rules) => {
    const { violations } = await globalThis.axe.run(document, { runOnly: { type: "tag", values: rules }, resultTypes: ["violations"] });
    return { result: violations.map(({ id, impact, help, nodes }) => ({ id, impact, help, nodes: nodes.map(({ target, failureSummary }) => ({ target, failureSummary, scaled: document.querySelector(target[0])?.closest(".scene") !== null })) })) };
  }, RULES);
}
