/** The view Query: an editor of WQL, the plan of the query, its rows, and files of them. */

import { ApiError, ask, askRows, LostError } from "./api";
import { bigIcon, type Child, clean, h, icon, replace } from "./dom";
import { Editor, type Mistake } from "./editor";
import { type Format, type InstanceRow, save } from "./export";
import { state, writeAddress } from "./state";
import { count } from "./live";

interface Explanation {
  asks_for: string;
  subject: string;
  parts: { class_name: string; properties: string[]; fixed: Record<string, string[]>; reads: string[]; predicate: string | null }[];
}

const QUESTIONS: [title: string, namespace: string, text: string][] = [
  ["What is left over", "root/logonscope", "SELECT Antecedent, Dependent, User, StartTime\nFROM LS_SessionProcess\nWHERE Leftover = TRUE"],
  ["Remote logins", "root/logonscope", "SELECT LogonId, User, RemoteHost, StartTime, State\nFROM LS_LogonSession\nWHERE LogonType = 10"],
  ["Root processes within a login", "root/logonscope", "SELECT Dependent, Antecedent, User, Evidence\nFROM LS_SessionProcess\nWHERE User = 'root' AND NOT Evidence = 'none'"],
  ["Every ssh process", "root/cimv2", "SELECT Handle, Name, CommandLine\nFROM Win32_Process\nWHERE CommandLine LIKE '%ssh%'"],
];
const NAMESPACES = ["root/logonscope", "root/cimv2"];
const MOST_SHOWN = 500;
const TYPING_MS = 250;

export class QueryView {
  readonly element: HTMLElement;
  private readonly editor: Editor;
  private readonly box: HTMLElement;
  private readonly mistake = h("p", { class: "err", id: "mistake", role: "alert", hidden: true });
  private readonly result = h("section", { class: "res", "aria-label": "Result" });
  private readonly plan = h("aside", { class: "plan", "aria-label": "Plan", tabindex: 0 });
  private readonly namespace: HTMLSelectElement;
  private readonly saved = h("div", { class: "savd" });
  private readonly planned = h("div", {});
  private timer = 0;
  private checked = 0;
  private running: AbortController | null = null;
  private answer: { rows: number; milliseconds: number } | null = null;
  private explanation: Explanation | null = null;

  constructor() {
    this.editor = new Editor(() => this.change(), () => void this.run());
    this.box = h("div", { class: "edbox" }, this.editor.element);
    this.namespace = h("select", {
      "aria-label": "Namespace", class: "ns",
      onchange: () => {
        state.namespace = this.namespace.value;
        this.change();
      },
    }, NAMESPACES.map((name) => h("option", { value: name }, name)));
    replace(this.saved, h("h3", {}, "Questions to start from"), QUESTIONS.map(([title, namespace, text]) =>
      h("button", { type: "button", onclick: () => this.start(namespace, text) }, title)));
    replace(this.plan, h("h2", {}, "Plan"), this.planned, this.saved);
    this.element = h(
      "div",
      { class: "qv" },
      h(
        "section",
        { class: "ed", "aria-label": "Editor" },
        h("h1", { class: "hide" }, "Query"),
        this.box,
        this.mistake,
        h("div", { class: "edf" }, h("button", { class: "btn p", type: "button", onclick: () => void this.run() }, icon("run"), "Run"), h("kbd", {}, "Ctrl"), h("kbd", {}, "Enter"), h("span", { class: "grow" }), this.namespace),
      ),
      this.result,
      this.plan,
    );
    this.showResult(h("div"), h("div", { class: "empty" }, bigIcon(), h("h2", {}, "No result yet"), h("p", {}, "Write a query, or choose a question to start from.")));
  }

  open(): void {
    if (!state.query) {
      state.query = QUESTIONS[0]![2];
      state.namespace = QUESTIONS[0]![1];
    }
    if (!NAMESPACES.includes(state.namespace)) state.namespace = NAMESPACES[0]!;
    this.namespace.value = state.namespace;
    if (this.editor.text !== state.query) this.editor.text = state.query;
    void this.run();
  }

  focusSearch(): void {
    this.editor.focus();
  }

  private start(namespace: string, text: string): void {
    state.namespace = this.namespace.value = namespace;
    this.editor.text = text;
    void this.run();
  }

  private change(): void {
    state.query = this.editor.text;
    writeAddress();
    this.answer = null;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.check(), TYPING_MS);
  }

  /** Have the server plan the query; show the plan or the mistake. Return whether the query is right. */
  private async check(isFinal = false): Promise<boolean> {
    clearTimeout(this.timer);
    const turn = ++this.checked, text = this.editor.text;
    let mistake: [Mistake | null, string] | null = null;
    let explanation: Explanation | null = null;
    if (!text.trim()) mistake = [null, "The query is empty: expected SELECT"];
    else
      try {
        explanation = await ask<Explanation>("explain", { text, namespace: state.namespace });
      } catch (error) {
        if (error instanceof LostError) return false;
        if (!(error instanceof ApiError)) throw error;
        mistake = [placeOf(error.reason, text), wordsOf(error)];
      }
    if (turn !== this.checked) return false;
    // A word that is still being typed is not a mistake.
    const isUnfinished = !isFinal && mistake?.[0] != null && mistake[0].to >= text.trimEnd().length && this.editor.isTyping;
    if (isUnfinished) mistake = null;
    this.editor.mark(mistake?.[0] ?? null);
    this.box.classList.toggle("bad", mistake !== null);
    this.mistake.hidden = mistake === null;
    replace(this.mistake, mistake ? [icon("warn"), h("span", {}, clean(mistake[1]))] : null);
    if (!isUnfinished) {
      this.explanation = explanation;
      this.showPlan();
    }
    return mistake === null && !isUnfinished;
  }

  private showPlan(): void {
    const plan = this.explanation;
    if (!plan) {
      replace(this.planned, h("p", {}, "The query has a mistake; there is no plan yet."));
      return;
    }
    const steps: [string, Child][] = [];
    for (const part of plan.parts) {
      steps.push([part.class_name, count(part.properties.length, "property", "properties")]);
      const fixed = Object.entries(part.fixed);
      if (fixed.length) steps.push(["Narrows", fixed.map(([name, values]) => h("div", {}, `${name} = ${values.join(" or ")}`))]);
      steps.push(["Reads", part.reads.map((line) => h("div", {}, line))]);
      steps.push(["Filter", part.predicate ?? "none: every row that is read"]);
    }
    if (this.answer) steps.push(["Answer", `${count(this.answer.rows, "row", "rows")} in ${this.answer.milliseconds.toFixed(0)} ms, with the way here`]);
    replace(
      this.planned,
      h("p", {}, plan.asks_for === "instances" ? `Instances of ${clean(plan.subject)}.` : `${plan.asks_for[0]!.toUpperCase()}${plan.asks_for.slice(1)} of ${clean(plan.subject)}.`),
      steps.map(([title, text], i) => h("div", { class: i === steps.length - 1 ? "step end" : "step" }, h("b", {}, title), h("div", {}, text))),
    );
  }

  private showResult(...children: Child[]): void {
    replace(this.result, children);
  }

  private async run(): Promise<void> {
    state.query = this.editor.text;
    writeAddress();
    this.running?.abort();
    const controller = (this.running = new AbortController());
    if (!(await this.check(true))) {
      if (controller === this.running)
        this.showResult(h("div"), h("div", { class: "empty" }, bigIcon(), h("h2", {}, "No result"), h("p", {}, "Mend the marked place, then run the query again.")));
      return;
    }
    const rows: InstanceRow[] = [];
    const start = performance.now();
    try {
      await askRows<InstanceRow>("query", { text: state.query, namespace: state.namespace }, (row) => rows.push(row), { signal: controller.signal, exact: true });
    } catch (error) {
      if (controller.signal.aborted) return;
      const words = error instanceof ApiError ? wordsOf(error) : error instanceof LostError ? "The server cannot be reached." : null;
      if (words === null) throw error;
      this.showResult(h("div"), h("div", { class: "empty", role: "alert" }, bigIcon(), h("h2", {}, "No result"), h("p", {}, clean(words))));
      return;
    }
    if (controller !== this.running) return;
    this.answer = { rows: rows.length, milliseconds: performance.now() - start };
    this.showPlan();
    this.showRows(rows);
  }

  private showRows(rows: readonly InstanceRow[]): void {
    if (!rows.length) {
      this.showResult(h("div"), h("div", { class: "empty" }, bigIcon(), h("h2", {}, "No rows"), h("p", {}, "The query is right; nothing fits it.")));
      return;
    }
    // Instances of several classes can have different properties; a definition of a class has none of its own.
    const names = [...new Set(rows.flatMap((row) => Object.keys(row.properties)))];
    const files = (["CSV", "JSON", "Parquet"] as Format[]).map((format) =>
      h("button", { class: "btn", type: "button", "aria-label": `Save as ${format}`, onclick: () => save(format, names, rows) }, icon("dl"), format));
    this.showResult(
      h("header", {}, h("b", {}, count(rows.length, "row", "rows")), rows.length > MOST_SHOWN ? h("span", {}, `the first ${MOST_SHOWN} are shown`) : null, h("span", { class: "grow" }), files),
      h(
        "div",
        { class: "tw", tabindex: 0, role: "region", "aria-label": "Rows" },
        h(
          "table",
          {},
          h("thead", {}, h("tr", {}, names.map((name) => h("th", { scope: "col" }, name)))),
          h("tbody", {}, rows.slice(0, MOST_SHOWN).map((row) => h("tr", {}, names.map((name) => cellOf(name, row.properties[name]))))),
        ),
      ),
    );
  }
}

function cellOf(name: string, value: unknown): HTMLElement {
  if (value === null || value === undefined) return h("td", {}, h("span", { class: "nul" }, "null"));
  const text = clean(typeof value === "object" ? JSON.stringify(value) : String(value));
  const process = /(?:Win32|LS|CIM)_Process\.Handle="(\d+)"/.exec(text)?.[1] ?? (/^(Handle|ProcessId)$/.test(name) && /^\d+$/.test(text) ? text : null);
  const logon = /LogonSession\.LogonId="(\d+)"/.exec(text)?.[1] ?? (name === "LogonId" && /^\d+$/.test(text) ? text : null);
  const link = process ? `#live?sel=${process}` : logon ? `#live?sel=s${logon}` : null;
  const short = text.replace(/^\\\\[^\\]*\\root\\\w+:/, "");
  const isMono = /Id$|^Antecedent|^Dependent|^Handle|CommandLine|Path$/.test(name);
  return h("td", { class: `${isMono ? "mono" : ""}${typeof value === "number" ? " num" : ""}`, title: short.length > 40 ? text : null }, link ? h("a", { href: link }, short) : short);
}

/** The product's own sentence, with its advice where that is not about another door. */
function wordsOf(error: ApiError): string {
  const reason = `${error.reason[0]?.toUpperCase() ?? ""}${error.reason.slice(1)}`;
  return error.hint && !error.hint.includes("POST /v1") ? `${reason}; ${error.hint}` : reason;
}

/** The token at the place that the sentence names. */
function placeOf(reason: string, text: string): Mistake | null {
  const place = /at line (\d+), column (\d+)/.exec(reason);
  if (!place) return null;
  const lines = text.split("\n");
  const line = Number(place[1]) - 1;
  const from = Math.min(text.length, lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, 0) + Number(place[2]) - 1);
  const token = /^('[^']*'?|"[^"]*"?|\w+|.)/.exec(text.slice(from))?.[0] ?? "";
  if (token) return { from, to: from + token.length };
  // At the end of the text: the last word has the mark.
  const last = /\S+\s*$/.exec(text);
  return last ? { from: last.index, to: text.trimEnd().length } : null;
}
