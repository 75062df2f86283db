// What the editor offers: fields of a sample, names in scope, functions with their documentation, and the call one is in.
import { insertCompletionText, pickedCompletion } from "@codemirror/autocomplete";
import { Facet, StateEffect, StateField } from "@codemirror/state";
import { EditorView, showTooltip } from "@codemirror/view";
import { KEYWORDS } from "./rhai.js";
import { callsOut, isField, isMethod, kindOf, openCall, overloads, place } from "./scope.js";

/** How many characters of a value stand beside its name, and how many lines and characters in its box. */
const PREVIEW = 28;
const SAMPLE = { lines: 12, length: 700 };
/** A text that is longer gets no suggestions: each of them reads all that stands before the cursor. */
const LONGEST = 100_000;
/** How many items of a list are offered as an index. */
const INDICES = 12;
const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;
const WORD = /^[\p{Alphabetic}\p{Nd}_]*$/u;

const empty = { names: [], functions: [] };

/** Where suggestions come from: `completion()` gives `{ names, functions }`, `words` are those of the language of the page. */
export const source = Facet.define({ combine: (all) => all[0] ?? { completion: () => empty, words: {} } });

/** A value on one line, cut to a length. */
export function preview(value, words, length = PREVIEW) {
  const kind = kindOf(value);
  if (kind === "list") return (value.length === 1 ? words.one : words.many).replace("{n}", value.length);
  if (kind === "map") return cut(`{ ${Object.keys(value).join(", ")} }`, length);
  return cut(JSON.stringify(value), length);
}

const cut = (text, length) => (text.length > length ? `${text.slice(0, length - 1)}…` : text);

/** A value on several lines, as much of it as a box shows. */
function printed(value) {
  // A long list prints as long as it is; its begin is enough.
  const short = JSON.stringify(value, (_, inner) => (Array.isArray(inner) ? inner.slice(0, SAMPLE.lines) : inner), 2);
  const lines = short.slice(0, SAMPLE.length).split("\n");
  const shown = lines.slice(0, SAMPLE.lines).join("\n");
  return shown.length < short.length ? `${shown}\n…` : shown;
}

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** The box beside a field or a name. */
function valueBox(kind, doc, sample) {
  return () => {
    const box = element("div", "code-info");
    if (kind) box.append(element("p", "code-info-kind", kind));
    if (doc) box.append(element("p", "", doc));
    if (sample !== undefined && sample !== null) box.append(element("pre", "", printed(sample)));
    return box.childNodes.length ? box : null;
  };
}

/** The box beside a function. */
function functionBox(entry, words) {
  return () => {
    const box = element("div", "code-info");
    for (const one of entry.signature.split("; ")) box.append(element("p", "code-info-signature", one));
    box.append(element("p", "", entry.doc));
    if (entry.example) {
      box.append(element("p", "code-info-kind", words.example), element("pre", "", entry.example));
      if (entry.result) box.append(element("p", "code-info-kind", words.result), element("pre", "", entry.result));
    }
    box.append(element("p", "code-info-group", entry.group));
    return box;
  };
}

/** Puts a text in place of a word and of what is to follow it anyway, with the cursor at a place in it. */
function insert(view, completion, text, from, to, { over = "", cursor = text.length } = {}) {
  let end = to;
  for (const one of over) if (view.state.sliceDoc(end, end + 1) === one) end += 1;
  view.dispatch({
    ...insertCompletionText(view.state, text, from, end),
    selection: { anchor: from + cursor },
    annotations: pickedCompletion.of(completion),
  });
}

/** A field of a map: behind a dot, or in brackets where it is no name. */
function fieldOption(name, value, at, dot, words) {
  return {
    label: name,
    type: kindOf(value),
    detail: preview(value, words),
    info: valueBox(words[kindOf(value)], "", value),
    boost: 40,
    sortText: String(at).padStart(6, "0"),
    apply: IDENTIFIER.test(name)
      ? name
      : (view, completion, _, to) => insert(view, completion, `[${JSON.stringify(name)}]`, dot, to),
  };
}

function functionOption(entry, method, words) {
  const all = overloads(entry.signature);
  const shown = method ? all.filter(({ parameters }) => parameters.length).map((one) => ({ ...one, parameters: one.parameters.slice(1) })) : all;
  const field = method && isField(entry);
  const wants = shown.some(({ parameters }) => parameters.length > 0);
  return {
    label: entry.name,
    type: field ? "field" : "function",
    detail: field ? "" : `(${shown[0]?.parameters.join(", ") ?? ""})`,
    info: functionBox(entry, words),
    apply(view, completion, from, to) {
      const follows = view.state.sliceDoc(to, to + 1) === "(";
      const text = field || follows ? entry.name : `${entry.name}()`;
      insert(view, completion, text, from, to, { cursor: wants && !field && !follows ? text.length - 1 : text.length });
    },
  };
}

/** Fields and methods of a value. */
function members({ value, dot }, data, words) {
  const { sample, kind } = value;
  const fields = kind === "map" && sample ? Object.entries(sample) : [];
  return [
    ...fields.map(([name, inner], at) => fieldOption(name, inner, at, dot, words)),
    ...data.functions.filter((entry) => isMethod(entry, kind)).map((entry) => functionOption(entry, true, words)),
  ];
}

/** Keys and indices in a bracket behind a value. */
function keys({ value: { sample } }, words) {
  const entries = Array.isArray(sample)
    ? sample.slice(0, INDICES).map((inner, at) => [String(at), inner])
    : Object.entries(kindOf(sample) === "map" ? sample : {}).map(([name, inner]) => [JSON.stringify(name), inner]);
  return entries.map(([label, inner], at) => ({
    label,
    type: kindOf(inner),
    detail: preview(inner, words),
    info: valueBox(words[kindOf(inner)], "", inner),
    sortText: String(at).padStart(6, "0"),
    apply: (view, completion, from, to) => insert(view, completion, `${label}]`, from, to, { over: label.endsWith('"') ? '"]' : "]" }),
  }));
}

/** Names, functions and words of the language. */
function names({ bindings }, data, words) {
  const bound = new Map(bindings.map((binding) => [binding.name, binding]));
  const own = [...bound.values()].reverse().map((binding) => {
    const value = binding.value(data, 0);
    const known = value.sample !== undefined;
    return {
      label: binding.name,
      type: binding.called ? "function" : known ? kindOf(value.sample) : "name",
      detail: known ? preview(value.sample, words) : "",
      info: known ? valueBox(words[kindOf(value.sample)], "", value.sample) : undefined,
      boost: 60,
    };
  });
  const outer = data.names.filter(({ name }) => !bound.has(name)).map(({ name, kind, doc, sample }, at) => ({
    label: name,
    type: kindOf(sample ?? undefined) === "any" ? "name" : kindOf(sample),
    detail: kind || (sample === null ? "" : preview(sample, words)),
    info: valueBox(kind || words[kindOf(sample ?? undefined)], doc, sample),
    boost: 50,
    sortText: String(at).padStart(6, "0"),
  }));
  return [
    ...own,
    ...outer,
    ...data.functions.filter((entry) => !callsOut(entry)).map((entry) => functionOption(entry, false, words)),
    ...KEYWORDS.map((label) => ({ label, type: "keyword", boost: -20 })),
  ];
}

/** The source of CodeMirror's suggestions. */
export function complete(context) {
  if (context.pos > LONGEST) return null;
  const { completion, words } = context.state.facet(source);
  const data = completion() ?? empty;
  const found = place(context.state.sliceDoc(0, context.pos), data);
  if (!found) return null;
  if (found.at === "member") return { from: found.from, options: members(found, data, words), validFor: WORD };
  if (found.at === "key") return { from: found.from, options: keys(found, words), validFor: /^"?[^"\]]*$/ };
  // Nobody asked for suggestions where no word was begun.
  if (found.from === context.pos && !context.explicit) return null;
  return { from: found.from, options: names(found, data, words), validFor: WORD };
}

const focused = StateEffect.define();

/** The signature of the call that the cursor is in, with the parameter that is being written. */
function signature(state, shown) {
  const { main } = state.selection;
  if (!shown || !main.empty || main.head > LONGEST) return null;
  const call = openCall(state.sliceDoc(0, main.head));
  if (!call) return null;
  const data = state.facet(source).completion() ?? empty;
  const entry = data.functions.find((one) => one.name === call.name && callsOut(one) === call.calls);
  if (!entry) return null;
  const at = call.argument + (call.method ? 1 : 0);
  const all = overloads(entry.signature);
  const fits = all.find(({ parameters }) => parameters.length > at) ?? all[0];
  if (!fits || fits.parameters.length === 0) return null;
  return {
    pos: call.from,
    above: true,
    create() {
      const line = element("p", "code-info-signature", `${fits.name}(`);
      fits.parameters.forEach((parameter, index) => {
        if (index) line.append(", ");
        line.append(index === at ? element("b", "", parameter) : parameter);
      });
      line.append(fits.gives ? `) → ${fits.gives}` : ")");
      return { dom: element("div", "code-signature", line, element("p", "", entry.doc)) };
    },
    key: `${call.from} ${entry.name} ${at}`,
  };
}

const signatureField = StateField.define({
  create: () => ({ shown: false, tooltip: null }),
  update(value, transaction) {
    const shown = transaction.effects.reduce((now, effect) => (effect.is(focused) ? effect.value : now), value.shown);
    if (!transaction.docChanged && !transaction.selection && shown === value.shown) return value;
    const tooltip = signature(transaction.state, shown);
    // The same tooltip stays where it is.
    return { shown, tooltip: tooltip && value.tooltip?.key === tooltip.key ? value.tooltip : tooltip };
  },
  provide: (field) => showTooltip.from(field, ({ tooltip }) => tooltip),
});

/** Shows the signature of the call that the cursor is in. */
export const signatures = [signatureField, EditorView.focusChangeEffect.of((_, has) => focused.of(has))];
