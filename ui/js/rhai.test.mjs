// The tokens of rhai, and that a script which is open in the middle does not confuse them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { EditorState } from "@codemirror/state";
import { foldable, getIndentation, indentUnit } from "@codemirror/language";
import { KEYWORDS, folds, rhai, tokens } from "./rhai.js";

const cut = (text) => tokens(text).tokens.map(({ style, text: piece }) => `${style} ${piece}`);
const state = (doc) => EditorState.create({ doc, extensions: [rhai, folds, indentUnit.of("  ")] });

test("a script is cut", () => {
  assert.deepEqual(cut("let a = 1_000.5; // x\nfor i in 0..=0xff { f(a?.for) }"), [
    "keyword let", "variableName a", "operator =", "number 1_000.5", "punctuation ;",
    "keyword for", "variableName i", "keyword in", "number 0", "operator ..=", "number 0xff",
    "bracket {", "variableName.function f", "bracket (", "variableName a", "operator ?.", "propertyName for",
    "bracket )", "bracket }",
  ]);
});

test("numbers end where a range or a method begins", () => {
  assert.deepEqual(cut("0..9 + 1.max(2) - 1.5e-3"), [
    "number 0", "operator ..", "number 9", "operator +", "number 1", "punctuation .", "propertyName.function max",
    "bracket (", "number 2", "bracket )", "operator -", "number 1.5e-3",
  ]);
});

test("texts hold code in holes, and holes hold texts", () => {
  assert.deepEqual(cut("`a ${b + `${c}`} \\` + 'x' + \"q\\\"\""), [
    "string `a ", "string ${", "variableName b", "operator +", "string `", "string ${", "variableName c", "string }",
    "string `", "string }", "string  \\`", "operator +", "string 'x'", "operator +", 'string "q\\""',
  ]);
  assert.deepEqual(cut("`two `` ticks\nand a line` + 1"), ["string `two `` ticks", "string and a line`", "operator +", "number 1"]);
});

test("comments nest", () => {
  assert.deepEqual(cut("1 /* a /* b */\n c */ /// doc\n2"), ["number 1", "number 2"]);
});

test("closures and maps are brackets and operators", () => {
  assert.deepEqual(cut("l.map(|x| #{ k: x })"), [
    "variableName l", "punctuation .", "propertyName.function map", "bracket (", "operator |", "variableName x",
    "operator |", "bracket #{", "variableName k", "punctuation :", "variableName x", "bracket }", "bracket )",
  ]);
});

test("what is open at the end is known", () => {
  for (const [text, inside] of [
    ["let a", undefined], ["f(", "bracket"], ["`a ${", "hole"], ["`a ${b} c", "ticks"], ["/* a", "comment"],
    ["// a", "comment"], ["// a\n", undefined], ["{ /* a */", "bracket"], ['"', "quotes"], ['"a"', undefined],
    ['"a\n', undefined], ['"a\\\nb', "quotes"], ["/*\n// a */", undefined],
  ]) {
    assert.equal(tokens(text).inside, inside, text);
  }
});

test("no text stops it", () => {
  for (const text of ["'", "`", '"', "\\", "}}}", "#", "ä`ö", "${", "1..", "😀 §"]) assert.ok(tokens(text).tokens);
});

test("lines are indented by what is open before them", () => {
  const doc = state("let a = f(#{\n1\n});\nif a {\n[\n2\n]\n}");
  const at = (number) => getIndentation(doc, doc.doc.line(number).from);
  assert.deepEqual([2, 3, 4, 5, 8].map(at), [2, 0, 0, 2, 0]);
  // The bracket in line 5 stands at the left, and so its content is one step from there.
  assert.equal(at(6), 2);
  const text = state("let a = `x\n y`");
  assert.equal(getIndentation(text, text.doc.line(2).from), null);
});

test("blocks fold between their brackets", () => {
  const doc = state("if a {\n  b(\"}\")\n}\nlet c = 1;");
  assert.deepEqual(foldable(doc, 0, 6), { from: 6, to: 16 });
  assert.equal(foldable(doc, doc.doc.line(4).from, doc.doc.line(4).to), null);
});

test("the words are those of code to read", () => {
  const source = readFileSync(new URL("../src/kit/highlight.rs", import.meta.url), "utf8");
  const [, list] = /const RHAI: &\[&str\] = &\[([^\]]*)\]/.exec(source);
  assert.deepEqual(KEYWORDS, [...list.matchAll(/"(\w+)"/g)].map(([, word]) => word));
});
