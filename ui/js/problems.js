// Problems in the text: where they are underlined, how a person gets to them, and that their words are said.
import { forEachDiagnostic, nextDiagnostic, previousDiagnostic, setDiagnostics } from "@codemirror/lint";
import { EditorView, closeHoverTooltips } from "@codemirror/view";

/** Where a problem is underlined: from its place to the end of the word there, or of the line where it has no column. */
export function span(doc, { line, column }) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  if (line === 0 || column === 0) return { from: at.from, to: at.to };
  // Columns count characters, and the editor counts UTF-16 units.
  const before = [...at.text].slice(0, column - 1).join("").length;
  const word = /^(\s*)([\p{Alphabetic}\p{Nd}_]+|\S)/u.exec(at.text.slice(before));
  if (word) {
    const from = at.from + before + word[1].length;
    return { from, to: from + word[2].length };
  }
  // Behind the end of the line: the last character says where.
  const last = [...at.text].pop() ?? "";
  return { from: at.to - last.length, to: at.to };
}

/** Underlines problems instead of those before. */
export function show(view, problems) {
  const { doc } = view.state;
  const found = problems.map((problem) => ({ ...span(doc, problem), severity: problem.severity, message: problem.message }));
  view.dispatch(setDiagnostics(view.state, found.sort((a, b) => a.from - b.from)));
}

/** Goes to a problem. The editor shows its words there, and here they are said. */
const go = (move) => (view) => {
  if (!move(view)) return false;
  const { from } = view.state.selection.main;
  const effects = [];
  forEachDiagnostic(view.state, ({ message }, start) => {
    if (start === from) effects.push(EditorView.announce.of(message));
  });
  view.dispatch({ effects });
  return true;
};

export const problemKeys = [
  { key: "F8", run: go(nextDiagnostic) },
  { key: "Shift-F8", run: go(previousDiagnostic) },
];

/** The words of a problem go when the focus does. */
export const boxes = EditorView.focusChangeEffect.of((_, has) => (has ? null : closeHoverTooltips));
