// What the drawing scripts share: the values of a flow that is drawn by hand, and looking at what came of it.

import { strict as assert } from "node:assert";
import { createHmac } from "node:crypto";
import { byTest, card } from "./session.mjs";

const { WEIR_URL, WEIR_PARTNER } = process.env;

// The secret that partner and flow share, as Standard Webhooks writes it.
export const KEY = `whsec_${Buffer.from("a key of four and twenty").toString("base64")}`;

// What is typed into the flow: a script, a condition, and expressions.
export const SCRIPT = "let total = 0.0;\nfor line in input.body.lines {\ntotal += line.qty * line.price;\n}\n#{ id: input.body.id, total: total }";
export const WHEN = "input.total >= 100";
export const BOOKING = "#{ order: input.id, total: input.total }";

// A large order and a small one.
export const LARGE = { id: "A-1", lines: [{ qty: 2, price: 40.5 }, { qty: 1, price: 60 }] };
export const SMALL = { id: "A-2", lines: [{ qty: 1, price: 5 }] };

/** What the server has, by the API. */
export async function api(path) {
  const answer = await fetch(`${WEIR_URL}/api/v1${path}`);
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

/** Sends a signed message to a webhook, as a partner does, and gives the run it led to. */
export async function knock(path, id, body) {
  const text = JSON.stringify(body);
  const at = Math.floor(Date.now() / 1000);
  const key = Buffer.from(KEY.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${at}.${text}`).digest("base64");
  const answer = await fetch(`${WEIR_URL}/in/main${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": `${at}`, "webhook-signature": `v1,${signature}` },
    body: text,
  });
  assert.equal(answer.status, 202, await answer.text());
  return answer.headers.get("weir-run");
}

/** The field of the inspector for a place of the document. */
export function field(page, at) {
  return page.locator(`.form-field[data-at="${at}"]`);
}

/** The port of a card. */
export function port(page, id, name) {
  return card(page, id).locator(`[data-testid="port"][data-port="${name}"]`);
}

/** Waits until everything that was drawn is on the server. */
export async function saved(page) {
  await page.locator('[data-testid="save-state"].saved').waitFor();
}

/** Waits until the id of the card that was added is known, and gives it: the one that is not in `before`. */
export async function newCard(page, before) {
  const handle = await page.waitForFunction((before) => {
    const ids = [...document.querySelectorAll('[data-testid="card"]')].map((card) => card.dataset.card);
    return ids.find((id) => !before.includes(id));
  }, before);
  return handle.jsonValue();
}

/** The ids of the cards on the drawing. */
export async function cards(page) {
  return byTest(page, "card").evaluateAll((cards) => cards.map((card) => card.dataset.card).sort());
}

/** The flow that both scripts draw, as it must come out, for the ids that the editor gave. */
export function drawn({ flow, title, trigger, map, branch, http, respond }) {
  return {
    id: flow,
    title,
    kinds: { [trigger]: "webhook", [map]: "map", [branch]: "branch", [http]: "http", [respond]: "respond" },
    links: [
      { from: trigger, to: map },
      { from: map, to: branch },
      { from: branch, port: "large", to: http },
      { from: branch, port: "small", to: respond },
      { from: http, to: respond },
    ],
  };
}

/** Fails unless the server has the flow as it was drawn. */
export async function wasDrawn(expected) {
  const flow = await api(`/flows/${expected.id}`);
  assert.equal(flow.title, expected.title);
  const kinds = Object.fromEntries([...Object.entries(flow.triggers), ...Object.entries(flow.steps)].map(([id, { kind }]) => [id, kind]));
  assert.deepEqual(kinds, expected.kinds);
  const line = ({ from, port = "ok", to }) => `${from} ${port} ${to}`;
  assert.deepEqual(flow.links.map(line).sort(), expected.links.map(line).sort());
  return flow;
}

/** Calls the published flow and sees both ways in its runs: the large order booked, the small one not. */
export async function runsAreSeen(page, { http, respond }, path) {
  for (const [id, order, states] of [
    ["msg_1", LARGE, { [http]: "succeeded", [respond]: "succeeded" }],
    ["msg_2", SMALL, { [http]: "skipped", [respond]: "succeeded" }],
  ]) {
    const run = await knock(path, id, order);
    await page.goto(`/runs/${run}`);
    await byTest(page, "run-status").locator('[data-status="succeeded"]').waitFor();
    for (const [step, state] of Object.entries(states)) await card(page, step).and(page.locator(`[data-status="${state}"]`)).waitFor();
  }
}

export const partner = WEIR_PARTNER;
