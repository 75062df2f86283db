// The editor of code: what the page imports when it first shows one. `ui/src/kit/code_editor/chunk.rs` calls it.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, indentLess, indentMore, redo, undo } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit } from "@codemirror/language";
import { lintGutter } from "@codemirror/lint";
import { Annotation, Compartment, EditorState, Transaction } from "@codemirror/state";
import { EditorView, highlightSpecialChars, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { complete, signatures, source } from "./completion.js";
import { difference } from "./difference.js";
import { colours } from "./looks.js";
import { boxes, problemKeys, show } from "./problems.js";
import { folds, rhai } from "./rhai.js";

const fromElsewhere = Annotation.define();

/** A command that is the editor's even where it has nothing to do, so that the page does not do its own instead. */
const ours = (command) => (view) => command(view) || true;

const undoing = [
  { key: "Mod-z", run: ours(undo), shift: ours(redo) },
  { key: "Mod-y", run: ours(redo) },
];
/** Ctrl and Enter belong to the form that the editor stands in. */
const usual = defaultKeymap.filter(({ key }) => key !== "Mod-Enter");

/** Keys that go on to the page, unless the editor did something with them: Tab, F keys, and those with Ctrl or ⌘. */
function goesOn(event) {
  if (event.defaultPrevented) return false;
  if (event.ctrlKey || event.metaKey) return !/^[acvxyz]$/i.test(event.key);
  return event.key === "Tab" || /^F\d+$/.test(event.key);
}

// A browser that types over a selection keeps its looks by `style` attributes, which the content policy forbids and
// the editor does not want. So the editor does it.
const overSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to, empty } = view.state.selection.main;
    if (empty || event.inputType !== "insertText" || event.data === null || view.composing || view.state.readOnly) return false;
    const insert = () => view.state.update(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    const taken = view.state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, event.data, insert));
    if (!taken) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

function language({ tongue }, words, completion) {
  if (tongue === "json") return [json()];
  return [rhai, folds, source.of({ completion, words }), autocompletion({ override: [complete] }), signatures];
}

// How long Escape holds for the Tab that leaves, in milliseconds; any other key ends it as well.
const LEAVING = 60_000;

function shaped({ shape }) {
  const escape = { key: "Escape", run: (view) => closeCompletion(view) || ours(() => view.setTabFocusMode(LEAVING))(view) };
  if (shape === "line") {
    return [
      keymap.of([escape, { key: "Tab", run: acceptCompletion }, { key: "Enter", run: () => true, shift: () => true }]),
      EditorView.clipboardInputFilter.of((text) => text.trim().replace(/\s*\r?\n\s*/g, " ")),
    ];
  }
  return [
    keymap.of([escape, { key: "Tab", run: (view) => acceptCompletion(view) || indentMore(view), shift: indentLess }]),
    lineNumbers(),
    foldGutter({ markerDOM: foldMark }),
    lintGutter(),
    indentOnInput(),
    keymap.of(foldKeymap),
  ];
}

function foldMark(open) {
  const mark = document.createElement("span");
  mark.className = open ? "code-fold open" : "code-fold";
  return mark;
}

/**
 * Puts an editor into an element. `change` gets the text after each edit, `left` hears that the focus went,
 * `completion` is asked for what to offer.
 */
export function open(host, optionsText, change, left, completion) {
  const options = JSON.parse(optionsText);
  const { shape, text, selection, phrases, words } = options;
  let closed = false;
  // The completion of CodeMirror asks once more when the focus goes with the editor; nobody is there to answer then.
  const offered = () => (closed ? null : completion());
  const readOnly = new Compartment();
  const invalid = new Compartment();
  const view = new EditorView({
    parent: host,
    state: EditorState.create({
      doc: text,
      extensions: [
        shaped(options),
        keymap.of([...undoing, ...problemKeys, ...closeBracketsKeymap, ...usual]),
        language(options, words, offered),
        history(),
        highlightSpecialChars(),
        bracketMatching(),
        closeBrackets(),
        colours,
        boxes,
        overSelection,
        readOnly.of(EditorState.readOnly.of(options.read_only)),
        invalid.of([]),
        EditorState.phrases.of(phrases),
        EditorState.tabSize.of(2),
        indentUnit.of("  "),
        EditorView.lineWrapping,
        placeholder(options.placeholder),
        EditorView.contentAttributes.of({
          id: options.id,
          tabindex: "0",
          "aria-label": options.label,
          "aria-describedby": options.described_by,
          "aria-multiline": String(shape !== "line"),
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !update.transactions.some((one) => one.annotation(fromElsewhere))) {
            change(update.state.doc.toString());
          }
        }),
        EditorView.domEventHandlers({ blur: () => void (closed || left()) }),
      ],
    }),
  });

  const keep = (event) => goesOn(event) || event.stopPropagation();
  const stop = (event) => event.stopPropagation();
  host.addEventListener("keydown", keep);
  for (const event of ["copy", "cut", "paste"]) host.addEventListener(event, stop);
  // A label is bound to its editor by us, for an element of ours is nothing that a browser labels.
  const label = document.querySelector(`label[for="${CSS.escape(options.id)}"]`);
  const enter = () => view.focus();
  label?.addEventListener("click", enter);

  if (selection) {
    const [anchor, head] = selection.map((at) => Math.min(at, view.state.doc.length));
    view.dispatch({ selection: { anchor, head } });
    view.focus();
  }

  return {
    setText(next) {
      const changes = difference(view.state.doc.toString(), next.replace(/\r\n?/g, "\n"));
      if (!changes) return;
      view.dispatch({ changes, annotations: [fromElsewhere.of(true), Transaction.addToHistory.of(false)] });
    },
    setProblems(list) {
      const problems = JSON.parse(list);
      show(view, problems);
      const attributes = problems.length ? EditorView.contentAttributes.of({ "aria-invalid": "true" }) : [];
      view.dispatch({ effects: invalid.reconfigure(attributes) });
    },
    setReadOnly(on) {
      view.dispatch({ effects: readOnly.reconfigure(EditorState.readOnly.of(on)) });
    },
    focus: () => view.focus(),
    close() {
      closed = true;
      label?.removeEventListener("click", enter);
      host.removeEventListener("keydown", keep);
      for (const event of ["copy", "cut", "paste"]) host.removeEventListener(event, stop);
      view.destroy();
    },
  };
}
