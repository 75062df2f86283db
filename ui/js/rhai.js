// rhai as a language of the editor: how a text is cut into tokens, where it folds and how it is indented.
import { StreamLanguage, StringStream, foldService, matchBrackets } from "@codemirror/language";
import { tags } from "@lezer/highlight";

/** The words of the language. The same as in `kit/highlight.rs`, so that code to read looks like code to write. */
export const KEYWORDS = [
  "let", "const", "if", "else", "for", "in", "while", "loop", "do", "until", "break", "continue", "return", "throw",
  "try", "catch", "fn", "switch", "true", "false", "this", "global", "is_def_var", "print", "private",
];
const KEYWORD = new Set(KEYWORDS);

const NUMBER = /^(?:0x[\da-f_]+|0o[0-7_]+|0b[01_]+|\d[\d_]*(?:\.\d[\d_]*)?(?:e[+-]?\d+)?)/i;
const WORD = /^[\p{Alphabetic}_$][\p{Alphabetic}\p{Nd}_]*/u;
const OPERATOR = /^(?:\.\.=|\.\.|\?\.|\?\[|\?\?=?|=>|->|::|\*\*=?|<<=?|>>=?|&&|\|\||[-+*/%&|^=!<>]=?|[.,;:?@])/;

/**
 * What is open at a place, from the outside in. `open` is a bracket with the indentation of the line it stands on;
 * `hole` is `${…}` in a back-tick text; `ticks`, `quotes` and `comment` are what they say, the last with its depth.
 */
const start = () => ({ open: [], before: "" });
const inner = (state) => state.open[state.open.length - 1];

/** Reads what a text or comment that is open goes on with. */
function within(stream, state, { kind }) {
  if (kind === "comment") {
    const top = inner(state);
    while (!stream.eol()) {
      if (stream.match("/*")) top.depth += 1;
      else if (stream.match("*/")) {
        top.depth -= 1;
        if (top.depth === 0) {
          state.open.pop();
          break;
        }
      } else stream.next();
    }
    return "comment";
  }
  while (!stream.eol()) {
    if (kind === "ticks" && stream.match("${", false)) {
      if (stream.pos > stream.start) return "string";
      stream.match("${");
      state.open.push({ kind: "hole", indent: stream.indentation() });
      state.before = "${";
      return "string";
    }
    const next = stream.next();
    if (next === "\\" && kind === "quotes") {
      // A text in quotes goes on in the next line where a backslash ends this one.
      if (stream.next() === undefined) return "string";
    } else if (next === (kind === "ticks" ? "`" : '"')) {
      // Two back-ticks in a row are one that belongs to the text.
      if (kind === "ticks" && stream.eat("`")) continue;
      state.open.pop();
      state.before = "text";
      return "string";
    }
  }
  if (kind === "quotes") inner(state).ended = true;
  return "string";
}

/** A text in quotes ends with its line, closed or not, unless a backslash stands there. */
function nextLine(state) {
  if (inner(state)?.ended) state.open.pop();
}

function token(stream, state) {
  if (stream.sol()) nextLine(state);
  const top = inner(state);
  if (top && top.kind !== "bracket" && top.kind !== "hole") return within(stream, state, top);
  if (stream.eatSpace()) return null;
  if (stream.match("//")) {
    stream.skipToEnd();
    return "comment";
  }
  if (stream.match("/*")) {
    state.open.push({ kind: "comment", depth: 1 });
    return within(stream, state, inner(state));
  }
  const dot = state.before === "." || state.before === "?.";
  const number = stream.match(NUMBER);
  if (number) {
    state.before = "number";
    return "number";
  }
  const word = stream.match(WORD);
  if (word) {
    const keyword = !dot && KEYWORD.has(word[0]);
    state.before = keyword ? "keyword" : "word";
    if (keyword) return "keyword";
    const called = stream.match(/^!?\s*\(/, false);
    return `${dot ? "propertyName" : "variableName"}${called ? ".function" : ""}`;
  }
  if (stream.match(/^'(?:[^'\\]|\\.[^']*)'/)) {
    state.before = "text";
    return "string";
  }
  const first = stream.peek();
  if (first === '"' || first === "`") {
    stream.next();
    state.open.push({ kind: first === '"' ? "quotes" : "ticks" });
    return within(stream, state, inner(state));
  }
  if (stream.match("#{") || stream.eat(/[([{]/)) {
    state.open.push({ kind: "bracket", indent: stream.indentation() });
    state.before = "open";
    return "bracket";
  }
  if (stream.eat(/[)\]}]/)) {
    const closed = state.open.pop();
    state.before = "close";
    return closed?.kind === "hole" ? "string" : "bracket";
  }
  const operator = stream.match(OPERATOR);
  state.before = operator ? operator[0] : "other";
  if (operator) return /^[.,;:]$/.test(operator[0]) ? "punctuation" : "operator";
  stream.next();
  return null;
}

export const parser = {
  // A field looks like any name, as it does in code to read.
  tokenTable: { propertyName: tags.variableName },
  name: "rhai",
  startState: start,
  copyState: (state) => ({ open: state.open.map((one) => ({ ...one })), before: state.before }),
  token,
  indent(state, after, { unit }) {
    nextLine(state);
    const top = inner(state);
    if (!top) return 0;
    if (top.kind !== "bracket" && top.kind !== "hole") return null;
    return top.indent + (/^[)\]}]/.test(after) ? 0 : unit);
  },
  languageData: {
    commentTokens: { line: "//", block: { open: "/*", close: "*/" } },
    closeBrackets: { brackets: ["(", "[", "{", '"', "`"] },
    indentOnInput: /^\s*[)\]}]$/,
  },
};

export const rhai = StreamLanguage.define(parser);

/** A line folds from the bracket that it leaves open to where that is closed. */
export const folds = foldService.of((state, from, to) => {
  const line = state.sliceDoc(from, to);
  const last = line.search(/[([{]\s*(?:\|[^|]*\|)?\s*$/);
  if (last < 0) return null;
  const match = matchBrackets(state, from + last, 1, { brackets: "()[]{}" });
  return match?.matched && match.end.from > to ? { from: from + last + 1, to: match.end.from } : null;
});

/** The tokens of a text with their places, without spaces and comments, and what is open at its end. */
export function tokens(text) {
  const state = start();
  const found = [];
  let at = 0;
  let comment = false;
  for (const line of text.split("\n")) {
    nextLine(state);
    const stream = new StringStream(line, 2, 2);
    comment = false;
    while (!stream.eol()) {
      stream.start = stream.pos;
      const open = inner(state)?.kind;
      const style = token(stream, state);
      comment = style === "comment" && open !== "comment" && stream.current().startsWith("//");
      if (style && style !== "comment") {
        found.push({ style, text: stream.current(), from: at + stream.start, to: at + stream.pos });
      }
    }
    at += line.length + 1;
  }
  // A line comment is not open in the state, but whoever stands at its end stands in it.
  return { tokens: found, inside: comment ? "comment" : inner(state)?.kind };
}
