// The server is killed while a person types, and again while the window is closed: nothing typed is lost.

import { strict as assert } from "node:assert";
import { spawn } from "node:child_process";
import { api, field, saved } from "./drawing.mjs";
import { browse, byTest, card, open } from "./session.mjs";

const { WEIR_URL, WEIR_PROCESS, WEIR_DATA_FOLDER, WEIR_BINARY } = process.env;
const FLOW = "/flows/hands";
const SCRIPT = "/steps/first/config/script";
let server;

await browse(async (browser) => {
  const window = await open(browser);
  const { context, page } = window;
  const write = async (page, text) => {
    await card(page, "first").locator(".card-title").click();
    await field(page, SCRIPT).locator(".cm-content").click();
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.insertText(text);
  };
  const script = async () => (await api(FLOW)).steps.first.config.script;
  await page.goto(FLOW);
  await write(page, "1");
  await saved(page);

  // Killed while a person goes on: the window says so, keeps what is typed, and saves it when the server is back.
  await killed(Number(WEIR_PROCESS));
  await write(page, "22");
  await page.locator('[data-testid="save-state"]:not(.saved):not(.saving)').waitFor();
  await start();
  await saved(page);
  assert.equal(await script(), "22");

  // Killed, and the window closed before it is back: what was typed is in the browser, and comes back with the flow.
  const gone = server;
  server = undefined;
  await killed(gone.pid);
  await write(page, "333");
  await page.locator('[data-testid="save-state"]:not(.saved):not(.saving)').waitFor();
  await page.close();
  await start();
  assert.equal(await script(), "22");
  const again = await context.newPage();
  await again.goto(FLOW);
  await card(again, "first").waitFor();
  await saved(again);
  assert.equal(await script(), "333");
  await card(again, "first").locator(".card-title").click();
  await field(again, SCRIPT).locator('.cm-content:has-text("333")').waitFor();
  assert.ok(!window.wrong.some((line) => line.startsWith("the page broke down")), window.wrong.join("\n"));
}).finally(() => server?.kill("SIGKILL"));

/** Starts a server on the same data and address, and waits until it answers. */
async function start() {
  const listen = new URL(WEIR_URL).host;
  server = spawn(WEIR_BINARY, ["serve", "--data", WEIR_DATA_FOLDER, "--listen", listen], { stdio: "ignore" });
  await until(async () => (await fetch(`${WEIR_URL}/health/ready`)).ok);
}

/** Kills a server, and waits until nobody answers. */
async function killed(pid) {
  process.kill(pid, "SIGKILL");
  await until(() => fetch(`${WEIR_URL}/health/live`).then(() => false, () => true));
}

async function until(look) {
  const end = Date.now() + 30_000;
  while (!(await Promise.resolve(look()).catch(() => false))) {
    assert.ok(Date.now() < end, "the server did not come or go in time");
    await new Promise((go) => setTimeout(go, 50));
  }
}
