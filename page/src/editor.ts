/** The editor of queries: CodeMirror, with WQL's words, completion from the schema, and a mark under a mistake.
 *
 * It lives in a shadow tree: there CodeMirror uses constructed style sheets, which the page's policy allows.
 */

import { autocompletion, type CompletionContext, type CompletionResult, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";

import { h } from "./dom";
import { classesOf } from "./schema";
import { state } from "./state";

const KEYWORDS = ["SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "LIKE", "IS", "ISA", "NULL", "TRUE", "FALSE", "ASSOCIATORS OF", "REFERENCES OF", "AssocClass", "ResultClass", "Role", "ResultRole", "ClassDefsOnly", "KeysOnly", "RequiredQualifier", "RequiredAssocQualifier"];
const WORDS = new Set(KEYWORDS.flatMap((word) => word.split(" ")).map((word) => word.toLowerCase()));

const language = StreamLanguage.define<null>({
  name: "wql",
  token(stream) {
    if (stream.eatSpace()) return null;
    if (stream.match(/^'(?:[^'\\]|\\.)*'?/) || stream.match(/^"(?:[^"\\]|\\.)*"?/)) return "string";
    if (stream.match(/^\d+(\.\d+)?/)) return "number";
    const word = stream.match(/^[A-Za-z_]\w*/);
    if (word && typeof word !== "boolean") {
      if (WORDS.has(word[0].toLowerCase())) return "keyword";
      return /^(Win32|CIM|LS|Msft|__)_?/i.test(word[0]) && word[0].includes("_") ? "typeName" : null;
    }
    stream.next();
    return null;
  },
});

const highlighting = HighlightStyle.define([
  { tag: tags.keyword, fontWeight: "700" },
  { tag: tags.typeName, color: "var(--u1)", fontWeight: "500" },
  { tag: tags.string, color: "var(--u2)" },
  { tag: tags.number, color: "var(--u3)" },
]);

const theme = EditorView.theme({
  "&": { color: "var(--ink)", backgroundColor: "transparent", fontSize: "13.5px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "22px", maxHeight: "38vh" },
  ".cm-content, .cm-gutter": { minHeight: "112px" },
  ".cm-content": { caretColor: "var(--ink)", padding: "12px 0" },
  ".cm-line": { padding: "0 12px" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--ink3)", borderRight: "1px solid var(--line)", fontSize: "12px" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 8px 0 14px" },
  ".cm-placeholder": { color: "var(--ink3)" },
  ".cm-mistake": { textDecoration: "underline wavy var(--fail) 1.5px", textUnderlineOffset: "4px", textDecorationSkipInk: "none" },
  ".cm-mistake-end": { borderRight: "6px solid var(--fail)", borderRadius: "1px" },
  ".cm-tooltip": { border: "1px solid var(--line2)", borderRadius: "var(--r2)", backgroundColor: "var(--surface)", boxShadow: "var(--shadow)", padding: "4px" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", fontSize: "12.5px", maxHeight: "230px" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "4px 10px", borderRadius: "var(--r1)", color: "var(--ink)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--select)", color: "var(--ink)" },
  ".cm-completionDetail": { fontStyle: "normal", color: "var(--ink3)", fontFamily: "var(--sans)", marginLeft: "16px" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionInfo": { fontFamily: "var(--sans)", fontSize: "12px", maxWidth: "320px", padding: "8px 12px", color: "var(--ink2)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb,var(--focus) 26%,transparent)" },
});

/** Where a query has a mistake. */
export interface Mistake {
  from: number;
  to: number;
}

/** Replace the selection by what is typed. The browser would keep its look, by styles that the page's policy forbids. */
function replaceSelection(event: InputEvent, view: EditorView): boolean {
  if (event.inputType !== "insertText" || event.data === null || view.composing || view.state.selection.main.empty) return false;
  event.preventDefault();
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
  return true;
}

const setMistake = StateEffect.define<Mistake | null>();
const mistakes = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let current = marks.map(transaction.changes);
    for (const effect of transaction.effects)
      if (effect.is(setMistake)) {
        const { value } = effect;
        current = value && value.to > value.from
          ? Decoration.set([Decoration.mark({ class: "cm-mistake" }).range(value.from, value.to)])
          : Decoration.none;
      }
    return current;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export class Editor {
  readonly element = h("div", { class: "edt" });
  private readonly view: EditorView;

  constructor(change: () => void, run: () => void) {
    const root = this.element.attachShadow({ mode: "open" });
    this.view = new EditorView({
      root,
      parent: root as unknown as Element,
      state: EditorState.create({
        extensions: [
          lineNumbers(),
          history(),
          language,
          syntaxHighlighting(highlighting),
          mistakes,
          theme,
          placeholder("SELECT … FROM …"),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": "WQL query", spellcheck: "false", autocapitalize: "off" }),
          autocompletion({ override: [complete], icons: false, activateOnTyping: true }),
          keymap.of([
            { key: "Mod-Enter", run: () => (run(), true) },
            ...completionKeymap,
            { key: "Escape", run: (view: EditorView) => (view.contentDOM.blur(), true) },
            ...defaultKeymap.filter((one) => one.key !== "Mod-Enter"),
            ...historyKeymap,
          ]),
          EditorView.domEventHandlers({ beforeinput: replaceSelection }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) change();
          }),
        ],
      }),
    });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  set text(text: string) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  /** Whether the cursor stands at the end of the text, where a word may still be typed. */
  get isTyping(): boolean {
    return this.view.hasFocus && this.view.state.selection.main.head >= this.text.trimEnd().length;
  }

  focus(): void {
    this.view.focus();
  }

  mark(mistake: Mistake | null): void {
    this.view.dispatch({ effects: setMistake.of(mistake) });
  }
}

async function complete(context: CompletionContext): Promise<CompletionResult | null> {
  const word = context.matchBefore(/[A-Za-z_]\w*/);
  if (!word && !context.explicit) return null;
  const text = context.state.doc.toString();
  const before = text.slice(0, word?.from ?? context.pos);
  const classes = await classesOf(state.namespace).catch(() => null);
  const from = word?.from ?? context.pos;
  if (/\b(from|isa|assocclass\s*=|resultclass\s*=)\s+$/i.test(before) || /\b(assocclass|resultclass)\s*=\s*$/i.test(before))
    return { from, options: [...(classes?.values() ?? [])].map((one) => ({ label: one.name, detail: "class", info: one.description || undefined! })), validFor: /^\w*$/ };
  const name = /\bfrom\s+(\w+)/i.exec(text)?.[1]?.toLowerCase() ?? "";
  const properties = (classes?.get(name)?.properties ?? []).map((one) => ({ label: one.name, detail: one.type, info: one.description || undefined!, boost: 1 }));
  return { from, options: [...properties, ...KEYWORDS.map((label) => ({ label, detail: "keyword" }))], validFor: /^\w*$/ };
}
