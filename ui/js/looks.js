// How the editor looks: the classes of read-only code for tokens. The rest is in `style/code.css`.
import { syntaxHighlighting } from "@codemirror/language";
import { tagHighlighter, tags } from "@lezer/highlight";
import { StyleModule } from "style-mod";

export const colours = syntaxHighlighting(tagHighlighter([
  { tag: [tags.keyword, tags.bool, tags.null], class: "hl-keyword" },
  { tag: tags.string, class: "hl-text" },
  { tag: tags.number, class: "hl-number" },
  { tag: tags.comment, class: "hl-comment" },
  { tag: tags.propertyName, class: "hl-key" },
]));

const mounted = [];
let sheet = null;

// CodeMirror writes its own rules into a `style` element, which the page's content policy forbids. A sheet that is
// made by a script is allowed, for the script is.
StyleModule.mount = (root, modules) => {
  const wanted = [modules].flat();
  if (wanted.every((module) => mounted.includes(module))) return;
  // What comes later in the list wins over what comes earlier.
  const others = mounted.filter((module) => !wanted.includes(module));
  mounted.splice(0, mounted.length, ...others, ...wanted);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    root.adoptedStyleSheets = [sheet, ...root.adoptedStyleSheets];
  }
  sheet.replaceSync(mounted.map((module) => module.getRules()).join("\n"));
};
