// Measures how smooth the canvas is with 150 steps: frame times and long tasks for each thing a hand does. It judges nothing.
//
//   WEIR_URL=http://127.0.0.1:7070 node tests/browser/frames.mjs
//
// It brings a flow of its own to that server and leaves it there. Give it a page as it ships and a machine that is idle.

import { byTest, card, launch, open } from "./session.mjs";

const STEPS = 150;
const COLUMNS = 15;

/** A flow of many steps in rows: every tenth a branch, every third a call, some with a way for failures. */
function many(id) {
  const name = (n) => `s${String(n).padStart(3, "0")}`;
  const flow = {
    format: "weir/flow@1", id, title: "Many steps",
    triggers: { start: { kind: "manual" } }, steps: {}, links: [], layout: { start: [60, 800] },
  };
  for (let n = 0; n < STEPS; n += 1) {
    const column = n % COLUMNS;
    const branch = (k) => k % 10 === 4;
    if (branch(n)) flow.steps[name(n)] = { kind: "branch", config: { cases: [{ port: "large", when: "input.total > 9" }], otherwise: "small" } };
    else if (n % 3 === 0) flow.steps[name(n)] = { kind: "http", title: `Call partner ${n}`, config: { method: "GET", url: "http://127.0.0.1:9/" } };
    else flow.steps[name(n)] = { kind: "map", title: `Shape message ${n}`, config: { script: "input" } };
    flow.layout[name(n)] = [400 + 320 * column, 100 + 160 * Math.floor(n / COLUMNS)];
    flow.links.push(column === 0
      ? { from: "start", to: name(n) }
      : { from: name(n - 1), ...(branch(n - 1) && { port: "large" }), to: name(n) });
    if (column > 1 && n % 7 === 0) flow.links.push({ from: name(n - 2), port: "error", to: name(n) });
  }
  return flow;
}

const browser = await launch();
try {
  const { page } = await open(browser, { width: 1920, height: 1080 });
  await page.goto("/");
  await byTest(page, "import-input").setInputFiles({
    name: "many-steps.json", mimeType: "application/json", buffer: Buffer.from(JSON.stringify(many(`many-steps-${Date.now()}`))),
  });
  await byTest(page, "imported").click();
  await card(page, "s075").waitFor();
  await byTest(page, "zoom-fit").click();
  await page.waitForFunction(() => !document.querySelector(".canvas").classList.contains("gliding"));

  /** Does something while frames and long tasks are counted, and prints them. */
  async function measure(what, act) {
    await page.evaluate(() => {
      const seen = { frames: [], tasks: [], on: true };
      let last;
      const frame = (now) => {
        if (last !== undefined) seen.frames.push(now - last);
        last = now;
        if (seen.on) requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
      seen.observer = new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((task) => task.duration)));
      seen.observer.observe({ entryTypes: ["longtask"] });
      window.measured = seen;
    });
    await act();
    const { frames, tasks } = await page.evaluate(() => {
      const seen = window.measured;
      seen.on = false;
      seen.observer.disconnect();
      return { frames: seen.frames, tasks: seen.tasks };
    });
    frames.sort((a, b) => a - b);
    const at = (part) => frames[Math.min(frames.length - 1, Math.floor(frames.length * part))].toFixed(1);
    const long = tasks.length ? `${tasks.length}, the longest ${Math.max(...tasks).toFixed(0)} ms` : "none";
    console.log(`${what.padEnd(22)} ${String(frames.length).padStart(4)} frames, median ${at(0.5)} ms, p95 ${at(0.95)} ms; long tasks: ${long}`);
  }

  /** Draws a pointer along a way, a place about every frame. */
  async function along(places) {
    for (const [x, y] of places) {
      await page.mouse.move(x, y);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  }
  const middle = async (element) => {
    const box = await element.boundingBox();
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const way = (from, dx, dy, bow = 0) => Array.from({ length: 90 }, (_, n) => [from[0] + dx * n, from[1] + dy * n + bow * Math.sin(n / 12)]);
  const drag = async (from, places, button = "left") => {
    await page.mouse.move(...from);
    await page.mouse.down({ button });
    await along(places);
    await page.mouse.up({ button });
  };

  const one = await middle(card(page, "s075"));
  await measure("one card is dragged", () => drag(one, way(one, 1.5, 0, 40)));
  await page.keyboard.press("Control+a");
  const first = await middle(card(page, "s020"));
  await measure("all cards are dragged", () => drag(first, way(first, 1, 0, 30)));
  const corner = [700, 1000];
  await measure("a marquee is drawn", () => drag(corner, way(corner, 8, -8)));
  await measure("the drawing is panned", () => drag(corner, way(corner, 3, -3), "middle"));
  const port = await middle(card(page, "s033").locator('[data-port="ok"]'));
  await measure("a link is drawn", async () => {
    await page.mouse.move(...port);
    await page.mouse.down();
    await along(way(port, 3, 2));
    await page.keyboard.press("Escape");
    await page.mouse.up();
  });
  await measure("the drawing is zoomed", async () => {
    for (let n = 0; n < 60; n += 1) {
      await page.mouse.wheel(0, n < 30 ? -60 : 60);
      await page.evaluate(() => new Promise(requestAnimationFrame));
    }
  });
} finally {
  await browser.close();
}
