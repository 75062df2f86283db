// What a script knows at a place, and what the editor offers there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { complete, preview, source } from "./completion.js";
import { rhai } from "./rhai.js";
import { openCall, overloads, place } from "./scope.js";

const sample = {
  headers: { "content-type": "application/json" },
  body: { id: "A1", total: 12.5, paid: true, note: null, items: [{ sku: "X", qty: 2 }, { sku: "Y", qty: 1, gift: true }] },
};
const entry = (name, signature) => ({ name, signature, group: "Text", doc: `Does ${name}.`, example: "", result: "" });
const data = {
  names: [
    { name: "input", kind: "", doc: "What came before.", sample },
    { name: "steps", kind: "", doc: "", sample: { "get-order": { status: 200 }, price: { total: 3 } } },
    { name: "run", kind: "map", doc: "The run.", sample: null },
    { name: "http", kind: "http", doc: "Calls out.", sample: null },
  ],
  functions: [
    entry("filter", "filter(list, test) -> list; filter(map, test) -> map"),
    entry("first", "first(list) -> item or ()"),
    entry("map", "map(list, function) -> list; map(map, function) -> map"),
    entry("trim", "trim(text) -> text; trim(text, characters) -> text"),
    entry("round", "round(number, places?) -> number"),
    entry("now", "now() -> time"),
    entry("year", "year(time) -> number; time.year"),
    entry("get", "get(value, path, default?) -> value"),
    entry("keys", "keys(map) -> list"),
    entry("get", "http.get(path or url, options?) -> map"),
    entry("post", "http.post(path or url, body, options?) -> map"),
  ],
};
const words = { one: "{n} item", many: "{n} items" };

/** What is offered at the `§` of a text, or at its end. */
function offered(text, { explicit = false } = {}) {
  const at = text.includes("§") ? text.indexOf("§") : text.length;
  const doc = text.replace("§", "");
  const state = EditorState.create({ doc, extensions: [rhai, source.of({ completion: () => data, words })] });
  return complete(new CompletionContext(state, at, explicit))?.options.map(({ label }) => label) ?? null;
}
const value = (text) => place(text, data)?.value;
const fields = (text) => Object.keys(value(`${text}.`)?.sample ?? {});

test("fields of a sample are known at any depth", () => {
  assert.deepEqual(fields("input"), ["headers", "body"]);
  assert.deepEqual(fields("input.body.items[0]"), ["sku", "qty"]);
  assert.deepEqual(fields("input.body.items[1]"), ["sku", "qty", "gift"]);
  assert.deepEqual(fields('input["body"]'), Object.keys(sample.body));
  assert.deepEqual(fields("input?.body?.items[n + 1]"), ["sku", "qty", "gift"]);
  assert.deepEqual(fields('1 + f(input.body, "a.b", input.body'), Object.keys(sample.body));
  assert.deepEqual(fields('steps["get-order"]'), ["status"]);
  assert.deepEqual(fields('input.get("body.items.0")'), ["sku", "qty"]);
  assert.deepEqual(fields('get(input, "body")'), Object.keys(sample.body));
  assert.deepEqual(fields("`total: ${input.body"), Object.keys(sample.body));
  assert.deepEqual(fields("input.nothing.at.all"), []);
});

test("a name stands for what it was bound to", () => {
  assert.deepEqual(fields("let b = input.body; b"), Object.keys(sample.body));
  assert.deepEqual(fields("for i in input.body.items { i"), ["sku", "qty", "gift"]);
  assert.deepEqual(fields("for (i, n) in input.body.items.filter(|x| x.qty > 1) { i"), ["sku", "qty", "gift"]);
  assert.deepEqual(fields("input.body.items.map(|x| x"), ["sku", "qty", "gift"]);
  assert.deepEqual(fields("let i = input.body.items.first(); i"), ["sku", "qty", "gift"]);
  assert.deepEqual(fields("let input = input.body; input"), Object.keys(sample.body));
  assert.deepEqual(fields("for i in input.body.items { 1 } i"), []);
  assert.deepEqual(fields("{ let b = input.body; } b"), []);
  assert.equal(value("let t = now(); t.").kind, "time");
  assert.equal(value("now().year.").kind, "number");
  assert.equal(value("let a = a.b; a.").kind, "any");
});

test("methods are those whose first parameter fits", () => {
  assert.deepEqual(offered("input.body.id."), ["trim", "get"]);
  assert.deepEqual(offered("input.body.total."), ["round", "get"]);
  assert.deepEqual(offered("input.body.items."), ["filter", "first", "map", "get"]);
  assert.deepEqual(offered("input.headers."), ["content-type", "filter", "map", "get", "keys"]);
  assert.deepEqual(offered("now()."), ["year", "get"]);
  assert.deepEqual(offered('"a".tr'), ["trim", "get"]);
  // Nobody knows what it is: all that have a first parameter.
  assert.ok(offered("unknown.").includes("trim") && !offered("unknown.").includes("now"));
});

test("what calls out is there behind `http` only", () => {
  assert.deepEqual(offered("http."), ["get", "post"]);
  assert.equal(value("http.get(\"/a\").").kind, "map");
  assert.ok(!offered("unknown.").includes("post") && !offered("po", { explicit: true }).includes("post"));
  assert.ok(offered("ht").includes("http"));
  assert.equal(openCall("http.get(").calls, true);
  assert.equal(openCall("input.get(").calls, false);
});

test("keys and indices are offered in brackets", () => {
  assert.deepEqual(offered("input["), ['"headers"', '"body"']);
  assert.deepEqual(offered('input["he§"]'), ['"headers"', '"body"']);
  assert.deepEqual(offered("input.body.items["), ["0", "1"]);
  assert.equal(offered("let a = ["), null);
});

test("names are offered where a word begins, and never in texts and comments", () => {
  assert.deepEqual(offered("let a = 1; in").slice(0, 4), ["a", "input", "steps", "run"]);
  assert.equal(offered(""), null);
  assert.ok(offered("", { explicit: true }).includes("input"));
  for (const text of ['"in', "`in", "// in", "/* in", "let in", "for in", "12", "1.", "l.map(|in", "fn in"]) {
    assert.equal(offered(text), null, text);
  }
  assert.ok(offered("`${in").includes("input"));
});

test("the open call is known with its argument", () => {
  const call = (text) => {
    const found = openCall(text);
    return found && [found.name, found.method, found.argument];
  };
  assert.deepEqual(call("trim("), ["trim", false, 0]);
  assert.deepEqual(call("a + input.get(\"x,y\", #{ a: 1, b: [1, 2]"), ["get", true, 1]);
  assert.deepEqual(call("round(f(1, 2), "), ["round", false, 1]);
  assert.equal(call("round(1)"), null);
  assert.equal(call("if (a) { b"), null);
  assert.equal(call("fn f(a, "), null);
});

test("signatures are read", () => {
  assert.deepEqual(overloads("trim(text) -> text; trim(text, characters) -> text"), [
    { name: "trim", parameters: ["text"], gives: "text" },
    { name: "trim", parameters: ["text", "characters"], gives: "text" },
  ]);
  assert.deepEqual(overloads("now() -> time; time.year"), [{ name: "now", parameters: [], gives: "time" }]);
});

test("no text stops it", () => {
  for (const text of ["", ".", "a..", ")", "a].", "}.", "[", "a[", "|", "let", "for", "for x in", "fn f", "(.", "`${", "#{a:", "a.b(.", "?.", "let a = ;a."]) {
    assert.doesNotThrow(() => offered(text, { explicit: true }), text);
    assert.doesNotThrow(() => openCall(text), text);
  }
});

test("values are short beside their names", () => {
  assert.equal(preview([1], words), "1 item");
  assert.equal(preview({ a: 1, b: 2 }, words), "{ a, b }");
  assert.equal(preview("x".repeat(50), words, 8), '"xxxxxx…');
  assert.equal(preview(null, words), "null");
});
