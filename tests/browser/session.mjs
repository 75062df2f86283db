// A browser on the page: starts it, counts what it loads, and remembers everything that went wrong.

import { strict as assert } from "node:assert";
import { execFileSync } from "node:child_process";
import { chromium } from "playwright-core";

// How long anything may take before a test gives up, in milliseconds.
const PATIENCE = 30_000;

/** The browser that is installed: CHROMIUM, or the first of the usual names. */
function executable() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      return execFileSync("/bin/sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The next name.
    }
  }
  throw new Error("there is no Chromium; run ./setup --tests, or set CHROMIUM to one");
}

/** Starts the browser without anything that would reach for the network by itself. */
export async function launch() {
  return chromium.launch({
    executablePath: executable(),
    headless: true,
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}

/** Runs a script in a browser of its own. Where it fails, a picture of the first window goes to WEIR_PICTURE, if that is set. */
export async function browse(script) {
  const browser = await launch();
  try {
    await script(browser);
  } catch (error) {
    const page = browser.contexts()[0]?.pages()[0];
    if (page && process.env.WEIR_PICTURE) await page.screenshot({ path: process.env.WEIR_PICTURE });
    throw error;
  } finally {
    await browser.close();
  }
}

/** A window of its own, with its own storage. `wrong` lists what went wrong in it, `loaded` what came over the wire. */
export async function open(browser, { width = 1280, height = 800, scheme = "light", locale = "en-US" } = {}) {
  const base = process.env.WEIR_URL;
  const context = await browser.newContext({ baseURL: base, viewport: { width, height }, colorScheme: scheme, locale, acceptDownloads: true });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const wrong = [];
  page.on("pageerror", (error) => wrong.push(`the page broke down: ${error.stack ?? error}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) wrong.push(`console ${message.type()}: ${message.text()}`);
  });
  page.on("requestfailed", (request) => {
    // Whoever leaves a page ends its event streams and what it was still reading.
    const reason = request.failure()?.errorText;
    if (reason !== "net::ERR_ABORTED") wrong.push(`${request.method()} ${request.url()}: ${reason}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) wrong.push(`${response.request().method()} ${response.url()}: ${response.status()}`);
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(base) && !/^(data|blob):/.test(request.url())) wrong.push(`${request.url()} is not ours`);
  });
  const loaded = new Map();
  const wire = await context.newCDPSession(page);
  const urls = new Map();
  await wire.send("Network.enable");
  wire.on("Network.requestWillBeSent", ({ requestId, request }) => urls.set(requestId, request.url));
  wire.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => loaded.set(urls.get(requestId), encodedDataLength));
  return { context, page, wrong, loaded };
}

/** The one element with this test id, within the page or within another element. */
export function byTest(within, id, rest = "") {
  return within.locator(`[data-testid="${id}"]${rest}`);
}

/** The card of a trigger or step on the canvas. */
export function card(page, id) {
  return byTest(page, "card", `[data-card="${id}"]`);
}

/** Waits until a card has one of these states, and gives it. */
export async function cardState(page, id, ...states) {
  const selector = states.map((state) => `[data-testid="card"][data-card="${id}"][data-status="${state}"]`).join(", ");
  const found = page.locator(selector).first();
  await found.waitFor({ state: "attached" });
  return found.getAttribute("data-status");
}

/** Fails with everything that went wrong in a window. */
export function nothingWrong({ wrong }) {
  assert.deepEqual(wrong, [], "something went wrong in the page");
}
