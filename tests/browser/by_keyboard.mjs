// From an empty list to a published, running flow by the keyboard: no pointer is ever moved or pressed.

import { strict as assert } from "node:assert";
import { BOOKING, KEY, LARGE, SCRIPT, WHEN, cards, drawn, newCard, partner, runsAreSeen, saved, wasDrawn } from "./drawing.mjs";
import { browse, byTest, card, cardState, nothingWrong, open } from "./session.mjs";

// How many times Tab is pressed before something counts as out of reach.
const FAR = 80;

await browse(async (browser) => {
  const window = await open(browser, { width: 1280, height: 800 });
  const { page } = window;
  const { keyboard } = page;
  const on = (selector) => page.evaluate((selector) => document.activeElement?.closest(selector) !== null, selector);
  const told = () => page.evaluate(() => document.activeElement?.outerHTML.slice(0, 200));

  // Goes on by Tab until what has the keyboard is, or is in, what is sought; and it must be seen to have it.
  const tabTo = async (selector, key = "Tab") => {
    await page.locator(selector).first().waitFor({ state: "attached" });
    for (let pressed = 0; !(await on(selector)); pressed += 1) {
      assert.ok(pressed < FAR, `${selector} is not reached by ${key}; at ${await told()}`);
      await keyboard.press(key);
    }
  };
  const back = (selector) => tabTo(selector, "Shift+Tab");
  const write = async (text) => {
    await keyboard.press("ControlOrMeta+A");
    await keyboard.insertText(text);
  };
  // Leaves code by Escape; the first one may close what is offered there.
  const leave = async () => {
    await keyboard.press("Escape");
    if (await on(".cm-content")) await keyboard.press("Escape");
  };
  const has = (selector) => page.waitForFunction((selector) => document.activeElement?.closest(selector) !== null, selector);
  const place = (at) => `.form-field[data-at="${at}"]`;
  const input = (at) => `${place(at)} .cm-content, ${place(at)} input, ${place(at)} textarea, ${place(at)} select`;
  const face = (id) => `[data-card="${id}"] .card-face`;

  // Adds a step of a kind by the list that a deed opens, and gives its id; the keyboard is on it then.
  const adds = async (deed, list, kind) => {
    const before = await cards(page);
    await deed();
    await has(`#${list}-search`);
    await keyboard.type(kind);
    await page.locator(`#${list}-list [data-pick="${kind}"][aria-selected="true"]`).waitFor();
    await keyboard.press("Enter");
    const id = await newCard(page, before);
    await has(face(id));
    return id;
  };
  // Opens the inspector of the card that has the keyboard.
  const inspects = async (id) => {
    await keyboard.press("Enter");
    await byTest(page, "card-kind").and(page.locator(`:text("${id}")`)).waitFor();
    await has('[data-testid="inspector"]');
  };

  await page.goto("/");
  await byTest(page, "empty").waitFor();
  await tabTo('[data-testid="new-flow"]');
  await keyboard.press("Enter");
  await has("#new-flow-title");
  await keyboard.type("Orders by keyboard");
  await keyboard.press("Enter");
  await page.waitForURL("**/flows/orders-by-keyboard");

  // What starts it.
  await tabTo('[data-testid="start"][data-kind="webhook"]');
  await keyboard.press("Enter");
  const trigger = await newCard(page, []);
  await has(face(trigger));
  await inspects(trigger);
  await tabTo(input(`/triggers/${trigger}/config/path`));
  await write("/keyboard");
  await tabTo('[data-testid="secret-create"]');
  await keyboard.press("Enter");
  await byTest(page, "secret-form").waitFor();
  await tabTo("#secret-value");
  await write(KEY);
  await keyboard.press("Enter");
  await byTest(page, "secret-form").waitFor({ state: "detached" });

  // Step after step: A adds behind the card that is chosen.
  await back(face(trigger));
  const map = await adds(() => keyboard.press("a"), "palette", "map");
  await inspects(map);
  await tabTo(`${place(`/steps/${map}/config/script`)} .cm-content`);
  await write(SCRIPT);
  await leave();
  await back(face(map));
  const branch = await adds(() => keyboard.press("a"), "palette", "branch");
  await inspects(branch);
  await tabTo(input(`/steps/${branch}/config/cases/0/port`));
  await write("large");
  await tabTo(input(`/steps/${branch}/config/cases/0/when`));
  await write(WHEN);
  await tabTo(input(`/steps/${branch}/config/otherwise`));
  await write("small");

  // Enter on a port adds behind it.
  await back(face(branch));
  await tabTo('[data-testid="port"][data-port="large"]');
  const http = await adds(() => keyboard.press("Enter"), "quick-add", "http");
  await inspects(http);
  await tabTo(input(`/steps/${http}/config/method`));
  await keyboard.type("POST");
  await tabTo(input(`/steps/${http}/config/url`));
  await write(`${partner}/bookings`);
  await tabTo(`${place(`/steps/${http}/config/body`)} [data-mode="expression"]`);
  await keyboard.press("Enter");
  await tabTo(`${place(`/steps/${http}/config/body`)} .cm-content`);
  await write(BOOKING);
  await leave();
  await back(face(http));
  const respond = await adds(() => keyboard.press("a"), "palette", "respond");

  // L leads a link: again for the next port, arrows for where it goes.
  await keyboard.press("ArrowLeft");
  await keyboard.press("ArrowLeft");
  await has(face(branch));
  await keyboard.press("l");
  await keyboard.press("ArrowRight");
  const meant = card(page, respond).and(page.locator(".meant"));
  for (let pressed = 0; (await meant.count()) === 0; pressed += 1) {
    assert.ok(pressed < 5, "the arrows do not lead the link to the last card");
    await keyboard.press("ArrowRight");
  }
  await keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="link"]').length === 5);

  // Undone and done again: taken away, and back.
  const whole = await cards(page);
  await keyboard.press("ControlOrMeta+A");
  await keyboard.press("Delete");
  await page.waitForFunction(() => document.querySelectorAll('[data-testid="card"]').length === 0);
  await keyboard.press("ControlOrMeta+Z");
  await card(page, respond).waitFor();
  assert.deepEqual(await cards(page), whole);

  await saved(page);
  const flow = await wasDrawn(drawn({ flow: "orders-by-keyboard", title: "Orders by keyboard", trigger, map, branch, http, respond }));
  assert.equal(flow.steps[map].config.script, SCRIPT);
  assert.equal(flow.steps[http].config.method, "POST");

  // Tried.
  await keyboard.press("ControlOrMeta+Enter");
  await tabTo("#try-body");
  await write(JSON.stringify(LARGE));
  await leave();
  await tabTo('[data-testid="try-run"]');
  await keyboard.press("Enter");
  await byTest(page, "try-result").locator('[data-status="succeeded"]').waitFor();
  await cardState(page, http, "succeeded");

  // Published, called and watched.
  await keyboard.press("ControlOrMeta+Shift+Enter");
  await byTest(page, "publish-changes").waitFor();
  await tabTo('[data-testid="publish-confirm"]');
  await keyboard.press("Enter");
  await byTest(page, "listening").waitFor();
  await tabTo('[data-testid="publish-close"]');
  await keyboard.press("Enter");
  await page.locator("dialog[open]").waitFor({ state: "detached" });
  await runsAreSeen(page, { http, respond }, "/keyboard");
  nothingWrong(window);
});
