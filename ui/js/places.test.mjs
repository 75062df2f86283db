// Where problems are underlined, and how little of a text is replaced by a change from elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Text } from "@codemirror/state";
import { difference } from "./difference.js";
import { span } from "./problems.js";

test("a problem is underlined from its place to the end of the word", () => {
  const doc = Text.of(["let a = inputt.b;", "😀 ü = +;", ""]);
  const underlined = (line, column) => {
    const { from, to } = span(doc, { line, column });
    return doc.sliceString(from, to);
  };
  for (const [line, column, text] of [
    [1, 9, "inputt"], [1, 15, "."], [1, 1, "let"], [1, 4, "a"], [2, 3, "ü"], [2, 7, "+"], [2, 99, ";"],
    [1, 0, "let a = inputt.b;"], [0, 0, "let a = inputt.b;"], [3, 1, ""], [9, 1, ""],
  ]) {
    assert.equal(underlined(line, column), text, `${line}:${column}`);
  }
});

test("the least is replaced", () => {
  for (const [before, after, change] of [
    ["abc", "abc", null],
    ["abc", "abXc", { from: 2, to: 2, insert: "X" }],
    ["aaa", "aa", { from: 2, to: 3, insert: "" }],
    ["", "a", { from: 0, to: 0, insert: "a" }],
    ["a 😀 b", "a 😁 b", { from: 2, to: 4, insert: "😁" }],
    ["x𐐀", "x𐰀", { from: 1, to: 3, insert: "𐰀" }],
  ]) {
    assert.deepEqual(difference(before, after), change, `${before} to ${after}`);
  }
});
