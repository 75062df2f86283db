// A hand on the mouse: presses and drags where a pointer would, once the drawing has stopped moving under it.

/** What a hand does in a page. */
export function mouse(page) {
  /** Where the middle of something is; rather a bit of it, `x` and `y` from 0 to 1. */
  const middle = async (locator, x = 0.5, y = 0.5) => {
    const box = await settled(locator);
    return [box.x + box.width * x, box.y + box.height * y];
  };
  /** Drags from one place to another; each is an element or a point. */
  const drag = async (from, to, keys = []) => {
    const [start, end] = [Array.isArray(from) ? from : await middle(from), Array.isArray(to) ? to : await middle(to)];
    for (const key of keys) await page.keyboard.down(key);
    await page.mouse.move(...start);
    await page.mouse.down();
    await page.mouse.move(start[0] + 12, start[1] + 4);
    await page.mouse.move(...end, { steps: 8 });
    await page.mouse.up();
    for (const key of keys) await page.keyboard.up(key);
  };
  const click = async (locator, options) => page.mouse.click(...(await middle(locator)), options);
  return { middle, drag, click };
}

async function settled(locator) {
  await locator.waitFor();
  return locator.evaluate(async (element) => {
    const place = () => element.getBoundingClientRect().toJSON();
    const frame = () => new Promise(requestAnimationFrame);
    let [before, after] = [undefined, place()];
    do {
      before = after;
      await frame();
      await frame();
      after = place();
    } while (before.x !== after.x || before.y !== after.y);
    return after;
  });
}
