// What a script knows at a place: which value stands before a dot, which names are bound, which call is open.
// A value is `{ kind, sample }`: its type as the functions name it, and one that it may be, where that is known.
import { tokens } from "./rhai.js";

/** How many items of a list are looked at to learn what its items hold. */
const ITEMS = 20;
/** How far names are followed to what they were bound to. */
const DEPTH = 12;
const ANY = { kind: "any" };
/** Functions of a list that give a list of the same items. */
const SAME_ITEMS = new Set([
  "compact", "drain", "extract", "filter", "order", "order_by", "order_desc", "retain", "reversed", "skip", "sort_by",
  "sort_by_desc", "sorted", "sorted_desc", "take_first", "truncate", "unique", "unique_by",
]);
const KINDS = new Set(["text", "number", "decimal", "bool", "list", "map", "time", "range", "function"]);
const CLOSING = { ")": "(", "]": "[", "}": "{" };

/** The kind of a JSON value. */
export function kindOf(sample) {
  if (sample === undefined) return "any";
  if (sample === null) return "null";
  if (Array.isArray(sample)) return "list";
  return { string: "text", number: "number", boolean: "bool", object: "map" }[typeof sample];
}

/** A JSON value as a value of a script. */
export const valueOf = (sample) => ({ kind: kindOf(sample), sample });

/** One item that stands for all of a list: maps give all keys that one of them has. */
export function itemOf({ kind, sample }) {
  if (kind === "text") return { kind: "text" };
  if (kind === "range") return { kind: "number" };
  if (!Array.isArray(sample)) return ANY;
  const items = sample.slice(0, ITEMS).filter((item) => item !== null);
  if (items.length && items.every((item) => kindOf(item) === "map")) {
    return valueOf(Object.assign({}, items[0], ...[...items].reverse()));
  }
  return valueOf(items[0]);
}

/** The overloads of a signature: their parameters and what they give. That of `http.get(path)` takes an `http` first. */
export function overloads(signature) {
  return signature.split("; ").flatMap((one) => {
    const parts = /^(http\.)?([\w!]+)\(([^)]*)\)(?: -> (.*))?$/.exec(one);
    if (!parts) return [];
    const parameters = parts[3] === "" ? [] : parts[3].split(/,\s*/);
    return [{ name: parts[2], parameters: parts[1] ? ["http", ...parameters] : parameters, gives: parts[4] ?? "" }];
  });
}

/** Whether a function is there behind `http.` only, in scripts that call out. */
export const callsOut = (entry) => entry.signature.startsWith("http.");

/** Whether a parameter, such as `text or list`, takes a value of a kind. */
function takes(parameter, kind) {
  const words = parameter.replace(/\?$/, "").split(" or ");
  if (kind === "any") return words.some((word) => KINDS.has(word) || word === "value");
  return words.some((word) => word === kind || word === "value" || (kind === "null" && word === "()") || (kind === "decimal" && word === "number"));
}

/** Whether a function can be called behind a dot of a value of this kind. */
export function isMethod(entry, kind) {
  if (kind === "http" || callsOut(entry)) return kind === "http" && callsOut(entry);
  return overloads(entry.signature).some(({ parameters }) => parameters.length > 0 && takes(parameters[0], kind));
}

/** Whether a function is also a field of its first parameter, as in `time.year`. */
export const isField = (entry) => entry.signature.split("; ").some((one) => one.endsWith(`.${entry.name}`));

/** The index of the bracket that one closes, or -1. */
function opening(list, at) {
  let depth = 0;
  for (let index = at; index >= 0; index -= 1) {
    const { style, text } = list[index];
    if (style !== "bracket" && text !== "${" && text !== "}") continue;
    if (CLOSING[text]) depth += 1;
    else depth -= 1;
    if (depth === 0) return index;
  }
  return -1;
}

const isDot = (token) => token?.text === "." || token?.text === "?.";
const isName = (token) => /^(?:variableName|propertyName)/.test(token?.style ?? "") || token?.text === "this";
const isText = (token) => token?.style === "string";
const plain = (text) => text.slice(1, -1).replace(/\\(.)/g, "$1");

/** The first token of the chain of names, indices and calls that ends with a token. */
function chainStart(list, end) {
  let at = end;
  for (;;) {
    const { text } = list[at];
    if (text === ")" || text === "]") {
      const open = opening(list, at);
      if (open < 0) return at;
      const before = list[open - 1];
      const belongs = before && (isName(before) || (text === "]" && (before.text === ")" || before.text === "]" || isText(before))) || (text === ")" && before.text === "print"));
      if (!belongs) return open;
      at = open - 1;
      continue;
    }
    if (text === "}") {
      const open = opening(list, at);
      return open < 0 ? at : open;
    }
    if (!isDot(list[at - 1]) || at < 2) return at;
    at -= 2;
  }
}

/** What a call gives, by its signature. `receiver` is what stands before its dot. */
function called(entry, receiver, data) {
  if (!entry) return ANY;
  const fits = overloads(entry.signature);
  const chosen = fits.find(({ parameters }) => receiver && parameters.length && takes(parameters[0], receiver.kind)) ?? fits[0];
  if (!chosen) return ANY;
  if (receiver?.kind === "list" && (SAME_ITEMS.has(entry.name))) return receiver;
  if (receiver && /^item\b/.test(chosen.gives)) return itemOf(receiver);
  const word = chosen.gives.split(" or ").find((one) => KINDS.has(one.split(" ")[0]))?.split(" ")[0];
  return word ? { kind: word } : ANY;
}

/** The value of the tokens from `from` to `end`, as far as they are one chain. */
function evaluate(list, from, end, data, depth) {
  if (depth > DEPTH || from > end) return ANY;
  const start = chainStart(list, end);
  if (start !== from) {
    // Something that is more than a chain, such as a sum.
    return ANY;
  }
  const first = list[from];
  let value = ANY;
  let at = from + 1;
  if (isText(first)) value = { kind: "text" };
  else if (first.style === "number") value = { kind: "number" };
  else if (first.text === "true" || first.text === "false") value = { kind: "bool" };
  else if (first.text === "#{" || first.text === "[" || first.text === "(") {
    const close = closing(list, from);
    if (first.text === "(") value = evaluate(list, from + 1, close - 1, data, depth + 1);
    else value = { kind: first.text === "[" ? "list" : "map" };
    at = close + 1;
  } else if (list[from + 1]?.text === "(" && from + 1 <= end) {
    const close = closing(list, from + 1);
    const inside = evaluate(list, from + 2, firstArgumentEnd(list, from + 1, close), data, depth + 1);
    value = first.text === "get" ? byPath(inside, list, from + 1, close) : called(byName(data.functions, first.text), inside, data);
    at = close + 1;
  } else if (isName(first)) value = named(list, from, first.text, data, depth + 1);
  while (at <= end) {
    const { text } = list[at];
    if (isDot(list[at])) {
      const name = list[at + 1];
      if (!name) return ANY;
      if (list[at + 2]?.text === "(" && at + 2 <= end) {
        const close = closing(list, at + 2);
        if (value.kind === "http") value = called(data.functions.find((entry) => callsOut(entry) && entry.name === name.text), value, data);
        else value = name.text === "get" ? byPath(value, list, at + 2, close) : called(byName(data.functions, name.text), value, data);
        at = close + 1;
      } else {
        value = member(value, name.text, data);
        at += 2;
      }
    } else if (text === "[") {
      const close = closing(list, at);
      const index = list[at + 1];
      if (close === at + 2 && index.style === "number" && Array.isArray(value.sample)) {
        value = valueOf(value.sample[Number(index.text.replaceAll("_", ""))]);
      } else if (close === at + 2 && isText(index)) value = member(value, plain(index.text), data);
      else value = itemOf(value);
      at = close + 1;
    } else return ANY;
  }
  return value;
}

const byName = (entries, name) => entries.find((entry) => entry.name === name);

/** The place of the bracket that closes one, or the end. */
function closing(list, at) {
  let depth = 0;
  for (let index = at; index < list.length; index += 1) {
    const { style, text } = list[index];
    if (style !== "bracket" && text !== "${" && text !== "}") continue;
    depth += CLOSING[text] ? -1 : 1;
    if (depth === 0) return index;
  }
  return list.length;
}

function firstArgumentEnd(list, open, close) {
  let depth = 0;
  for (let index = open + 1; index < close; index += 1) {
    const { style, text } = list[index];
    if (style === "bracket") depth += CLOSING[text] ? -1 : 1;
    if (depth === 0 && text === ",") return index - 1;
  }
  return close - 1;
}

/** `get(value, "a.b")` and `value.get("a.b")`. */
function byPath(value, list, open, close) {
  const path = list.slice(open + 1, close).find(isText);
  if (!path) return ANY;
  return plain(path.text).split(".").reduce((inside, key) => member(inside, key), value);
}

/** A field of a value. */
export function member({ kind, sample }, name, data) {
  if (kind === "map" && sample && Object.hasOwn(sample, name)) return valueOf(sample[name]);
  if (Array.isArray(sample) && /^\d+$/.test(name)) return valueOf(sample[Number(name)]);
  const entry = data && byName(data.functions, name);
  return entry && isField(entry) ? called(entry, { kind, sample }, data) : ANY;
}

/** The value of a name at a token: what it was bound to last, else what is in scope from the outside. */
function named(list, at, name, data, depth) {
  const binding = bindings(list, at).findLast((one) => one.name === name);
  if (binding) return binding.value(data, depth);
  const known = byName(data.names, name);
  if (!known) return ANY;
  if (known.sample !== null && known.sample !== undefined) return valueOf(known.sample);
  return { kind: KINDS.has(known.kind) || known.kind === "http" ? known.kind : "any" };
}

/** The names that are bound by `let`, `const`, `for`, `fn` and closures before a token, and still are there. */
export function bindings(list, end = list.length) {
  const found = [];
  // Where each bracket that is open began, so that what was bound inside of it goes with it.
  const marks = [];
  // What is bound for the block that comes next, such as by `for`.
  let waiting = [];
  for (let at = 0; at < end; at += 1) {
    const { style, text } = list[at];
    if (style === "bracket" || text === "${" || text === "}") {
      if (CLOSING[text]) {
        const mark = marks.pop();
        if (mark !== undefined) found.length = mark;
      } else {
        marks.push(found.length);
        if (text === "{") {
          found.push(...waiting);
          waiting = [];
        }
      }
    } else if ((text === "let" || text === "const") && style === "keyword" && isName(list[at + 1])) {
      const from = at + 3;
      if (list[at + 2]?.text !== "=") found.push({ name: list[at + 1].text, value: () => ANY });
      else {
        const until = statementEnd(list, from, end);
        // Until its end a name is not bound yet: `let a = a.b` means the one before.
        if (until < end) {
          const name = list[at + 1].text;
          found.push({ name, value: (data, depth) => evaluate(list, from, until - 1, data, depth) });
        }
      }
    } else if (text === "for" && style === "keyword") {
      const names = [];
      let next = at + 1;
      while (next < end && list[next].text !== "in") {
        if (isName(list[next])) names.push(list[next].text);
        next += 1;
      }
      const from = next + 1;
      let until = from;
      while (until < end && list[until].text !== "{") until = list[until].style === "bracket" && !CLOSING[list[until].text] ? closing(list, until) + 1 : until + 1;
      const [item, index] = names;
      if (item) waiting.push({ name: item, value: (data, depth) => itemOf(evaluate(list, from, until - 1, data, depth)) });
      if (index) waiting.push({ name: index, value: () => ({ kind: "number" }) });
    } else if (text === "fn" && style === "keyword" && isName(list[at + 1])) {
      found.push({ name: list[at + 1].text, value: () => ANY, called: true });
      const close = closing(list, at + 2);
      waiting.push(...list.slice(at + 3, close).filter(isName).map(({ text: name }) => ({ name, value: () => ANY })));
    } else if (text === "|" && opensClosure(list[at - 1])) {
      let next = at + 1;
      const names = [];
      while (next < end && list[next].text !== "|") {
        if (isName(list[next])) names.push(list[next].text);
        next += 1;
      }
      // A closure that is an argument of `list.map(…)` and its like gets an item of the list.
      const method = list[at - 1]?.text === "(" && isDot(list[at - 3]) ? at - 4 : -1;
      names.forEach((name, position) => {
        const value = position === 0 && method >= 0
          ? (data, depth) => itemOf(evaluate(list, chainStart(list, method), method, data, depth + 1))
          : () => ANY;
        found.push({ name, value });
      });
      at = next;
    }
  }
  return found;
}

/** Whether a `|` behind a token begins a closure, and is no operator. */
function opensClosure(before) {
  if (!before) return true;
  if (/^[,;=:({[]$|^#\{$|^=>$/.test(before.text)) return true;
  return before.style === "operator" || before.style === "keyword";
}

function statementEnd(list, from, end) {
  for (let at = from; at < end; at += 1) {
    const { style, text } = list[at];
    if (style === "bracket" && !CLOSING[text]) at = closing(list, at);
    else if (text === ";") return at;
    else if (style === "bracket") return end;
  }
  return end;
}

/**
 * What a person at the end of a text is about to write. `from` is where the word begins.
 * `{ at: "member", value, dot, from }` behind a dot, `{ at: "key", value, from }` in a bracket of an index,
 * `{ at: "name", bindings, from }` anywhere else, or null where nothing is to be offered.
 */
export function place(text, data) {
  const { tokens: list, inside } = tokens(text);
  const last = list[list.length - 1];
  if (inside === "comment" || inside === "ticks") return null;
  // Inside of a text only the key of an index is known.
  if (inside === "quotes") {
    return list[list.length - 2]?.text === "[" ? index(list, list.length - 2, data, last.from) : null;
  }
  const word = last && last.to === text.length && (isName(last) || last.style === "keyword") ? last : null;
  const from = word ? word.from : text.length;
  const end = word ? list.length - 1 : list.length;
  const before = list[end - 1];
  if (isDot(before)) {
    // `1.` is rather the begin of `1.5`.
    if (end < 2 || (list[end - 2].style === "number" && !word)) return null;
    const value = evaluate(list, chainStart(list, end - 2), end - 2, data, 0);
    return { at: "member", value, dot: before.from, from };
  }
  if (before?.text === "[" && !word) {
    const key = index(list, end - 1, data, from);
    if (key) return key;
  }
  // What stands behind a number or after a word that binds is new.
  if (last?.style === "number" && last.to === text.length) return null;
  if (before && /^(?:let|const|fn|for)$/.test(before.text) && before.style === "keyword") return null;
  if (isInClosureHead(list, end)) return null;
  return { at: "name", bindings: bindings(list, end), from };
}

/** An index behind a value, or null where the bracket begins a list. */
function index(list, open, data, from) {
  const before = list[open - 1];
  if (!before || !(isName(before) || before.text === ")" || before.text === "]")) return null;
  return { at: "key", value: evaluate(list, chainStart(list, open - 1), open - 1, data, 0), from };
}

function isInClosureHead(list, end) {
  for (let at = end - 1; at >= 0; at -= 1) {
    if (list[at].text === "|") return opensClosure(list[at - 1]) && !list.slice(at + 1, end).some(({ text }) => text === "|");
    if (!isName(list[at]) && list[at].text !== ",") return false;
  }
  return false;
}

/** The innermost call that is open at the end of a text: its name, whether it follows a dot, and which argument it is at. */
export function openCall(text) {
  const { tokens: list, inside } = tokens(text);
  if (inside === "comment") return null;
  let depth = 0;
  let argument = 0;
  for (let at = list.length - 1; at >= 0; at -= 1) {
    const { style, text: piece } = list[at];
    if (piece === ";" && depth === 0) return null;
    if (piece === "," && depth === 0) argument += 1;
    if (style !== "bracket" && piece !== "${" && piece !== "}") continue;
    if (CLOSING[piece]) depth += 1;
    else if (depth > 0) depth -= 1;
    else if (piece === "(" && isName(list[at - 1])) {
      const name = list[at - 1];
      if (list[at - 2]?.text === "fn") return null;
      const method = isDot(list[at - 2]);
      return { name: name.text, from: name.from, method, calls: method && list[at - 3]?.text === "http", argument };
    } else if (piece === "(" || piece === "[" || piece === "#{") argument = 0;
    else return null;
  }
  return null;
}
