// The least change that makes one text of another, so that cursors and folds outside of it stay where they are.

const isHighHalf = (unit) => unit >= 0xd800 && unit < 0xdc00;
const isLowHalf = (unit) => unit >= 0xdc00 && unit < 0xe000;

/** What to replace in `before` so that it becomes `after`, or null where they are the same. */
export function difference(before, after) {
  if (before === after) return null;
  const most = Math.min(before.length, after.length);
  let from = 0;
  while (from < most && before[from] === after[from]) from += 1;
  // Half of a character is none.
  if (from > 0 && isHighHalf(before.charCodeAt(from - 1))) from -= 1;
  let end = 0;
  while (end < most - from && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  if (end > 0 && isLowHalf(before.charCodeAt(before.length - end))) end -= 1;
  return { from, to: before.length - end, insert: after.slice(from, after.length - end) };
}
