/** The view Live: a sentence, a search, the outline of logon sessions, the tree, and the details of what is selected. */

import { dropEnded } from "./changes";
import { append, avatar, bigIcon, type Child, clean, find, h, icon, replace } from "./dom";
import { fillDetails } from "./details";
import { isFiltering, MARKS, visibleRows, type Rows } from "./items";
import type { Model, Process, Session } from "./model";
import { type Mark, state, writeAddress } from "./state";
import { Tree } from "./tree";
import { fromText, howText } from "./words";

/** Milliseconds between two times that rows come or go, and for which a row says that it is new, or has ended. */
const STEP_MS = 250, MARK_MS = 3000;

const GROUPS = ["Logged in", "Logged out, still running", "Jobs and services of users", "No login"];

export class LiveView {
  readonly element: HTMLElement;
  readonly tree: Tree;
  private readonly sentence = h("p", { class: "say" });
  private readonly search: HTMLInputElement;
  private readonly filters = h("div", { class: "togs" });
  private readonly hits = h("span", { class: "hits", role: "status" });
  private readonly outline = h("nav", { class: "out", "aria-label": "Logon sessions", tabindex: 0 });
  private readonly box = h("div", { class: "treebox" });
  private readonly side = h("aside", { class: "side idle", id: "side", "aria-label": "Details", tabindex: 0 });
  /** Rows that have come or gone wait until the pointer leaves the tree. */
  private isPending = false;
  private timer = 0;
  private dueAt = 0;
  private shownAt = -Infinity;
  /** Rows that say for a while that they are new, or have ended, and until when. */
  private marked: [process: Process, until: number][] = [];
  private readonly drawn = new Map<Element, string>();
  private isRevealing = true;
  private pinned = "";

  constructor(private readonly onOrphans: (sessionIds: Iterable<string>) => void) {
    this.tree = new Tree(
      (target) => this.select(target),
      () => this.show(),
      () => this.release(),
      (id) => this.pin(id),
    );
    this.search = h("input", {
      id: "search", type: "search", placeholder: "pid, name, user, :port, address, key", autocomplete: "off",
      spellcheck: "false", value: state.search, "aria-describedby": "search-help",
      oninput: () => {
        state.search = this.search.value;
        this.tree.element.scrollTop = 0;
        this.show();
      },
      onkeydown: (event: KeyboardEvent) => {
        if (event.key === "Escape" && this.search.value) {
          event.stopPropagation();
          this.search.value = state.search = "";
          this.show();
        } else if (event.key === "ArrowDown") {
          event.preventDefault();
          this.tree.focus();
        }
      },
    });
    const label = h(
      "label",
      { class: "find" },
      icon("whose"),
      h("span", { class: "hide" }, "Search pid, name, user, port, address or key"),
      this.search,
      h("kbd", { "aria-hidden": "true" }, "/"),
    );
    const help = h("span", { class: "hide", id: "search-help" }, "Also user:, port:, from:, key: and pid: with a value");
    append(this.box, [
      h("div", { class: "cols", "aria-hidden": "true" }, h("span", {}, "Command"), h("span", { class: "cu" }, "Runs as"), h("span", { class: "cp" }, "Pid"), h("span", { class: "ct" }, "Since")),
      this.tree.element,
    ]);
    this.element = h(
      "div",
      { class: "live" },
      h("h1", { class: "hide" }, "Logon sessions"),
      this.sentence,
      h("div", { class: "filt", role: "group", "aria-label": "Filters" }, label, help, this.filters, this.hits),
      this.outline,
      this.box,
      this.side,
    );
  }

  focusSearch(): void {
    this.search.focus();
    this.search.select();
  }

  get hasSearchFocus(): boolean {
    return document.activeElement === this.search;
  }

  /** Take a newer look at the host. While the pointer is in the tree, values change, and rows wait. */
  update(model: Model): void {
    const isFirst = state.model === null;
    state.model = model;
    this.marked = [];
    if (this.tree.isHeld && !isFirst) {
      this.isPending = true;
      for (const item of this.tree.items) {
        const process = item.process;
        if (!process) continue;
        const current = model.byKey.get(process.key);
        if (!current || current.hasEnded) process.hasEnded = true;
        else {
          current.item = item;
          item.process = current;
        }
      }
      this.tree.refresh();
      this.showWaiting(model);
      return;
    }
    this.show();
  }

  /** The model has changed in place: values are shown at once, rows that have come or gone at the next step. */
  change(areRowsOther: boolean): void {
    this.tree.refresh();
    if (!areRowsOther) return;
    this.isPending = true;
    this.stepIn(Math.max(0, this.shownAt + STEP_MS - performance.now()));
  }

  /** Show what just happened, where nothing is selected. */
  showFeed(): void {
    if (state.view === "live" && state.selected === null && state.model) this.showDetails();
  }

  private stepIn(milliseconds: number): void {
    const due = performance.now() + milliseconds;
    if (this.timer && this.dueAt <= due) return;
    clearTimeout(this.timer);
    this.dueAt = due;
    this.timer = setTimeout(() => this.step(), milliseconds);
  }

  private step(): void {
    this.timer = 0;
    if (state.view !== "live" || !state.model) return;
    if (!this.tree.isHeld) return this.show();
    this.isPending = true;
    this.showWaiting(state.model);
  }

  private showWaiting(model: Model): void {
    this.shownAt = performance.now();
    this.showHead(model);
    this.showHits(null);
  }

  /** Show another moment, also while the pointer is in the tree. */
  replace(model: Model): void {
    state.model = model;
    this.marked = [];
    this.isRevealing = true;
    this.show();
  }

  private release(): void {
    if (this.isPending) this.show();
  }

  /** Mark what is shown for the first time; what was marked long enough is an ordinary row, or goes. */
  private mark(model: Model): void {
    const now = performance.now();
    for (const process of [...model.unseen, ...model.ending]) this.marked.push([process, now + MARK_MS]);
    model.unseen.clear();
    model.ending = [];
    model.ended = model.moved = 0;
    const over = this.marked.findIndex(([, until]) => until > now);
    const due = this.marked.splice(0, over < 0 ? this.marked.length : over).map(([process]) => process);
    for (const process of due) process.isNew = false;
    this.onOrphans(dropEnded(model, due.filter((process) => process.hasEnded)));
    if (this.marked.length) this.stepIn(this.marked[0]![1] - now);
  }

  /** Show the state: only what has changed is replaced, so that nothing loses the focus. */
  show(): void {
    // What the user does shows the newest rows, also while the pointer is in the tree.
    this.isPending = false;
    this.shownAt = performance.now();
    const model = state.model;
    writeAddress();
    if (!model) {
      this.tree.set([]);
      for (const element of [this.filters, this.outline]) {
        this.drawn.delete(element);
        element.replaceChildren();
      }
      replace(this.sentence, state.trouble ? h("span", { role: "alert" }, state.trouble) : `Reading ${state.host || "the host"} …`);
      return;
    }
    if (this.search.value !== state.search) this.search.value = state.search;
    this.mark(model);
    this.showHead(model);
    const rows = visibleRows();
    this.tree.set(rows.items);
    this.showEmpty(rows);
    this.showHits(rows);
    this.showDetails();
    if (this.isRevealing && state.selected) this.tree.reveal(state.selected);
    this.isRevealing = false;
  }

  /** Show the sentence, the filters and the outline of the newest look. */
  private showHead(model: Model): void {
    const processes = [...model.processes].filter((process) => !process.hasEnded);
    this.redraw(this.sentence, sentenceKey(model, processes), () => this.sentenceOf(model, processes));
    // Ports of the past are not kept.
    const marks = Object.entries(MARKS).filter(([mark]) => state.at === null || mark !== "port");
    const counts = marks.map(([mark, [label, test]]) => [mark as Mark, label, processes.filter(test).length] as const);
    this.redraw(this.filters, JSON.stringify([counts, state.mark, state.user]), () => [
      counts.map(([mark, label, count]) =>
        this.filter(mark, `tog${mark === "container" || mark === "port" ? " xtra" : ""}`, label, h("small", {}, count)),
      ),
      state.user === null
        ? null
        : h("button", { class: "tog", type: "button", "aria-pressed": "true", "aria-label": `Only ${state.user}: remove this filter`, onclick: () => this.setUser(null) }, state.user, icon("x")),
    ]);
    this.redraw(this.outline, outlineKey(model), () => outlineOf(model, (session) => this.selectSession(session)));
    this.markPinned();
  }

  /** Show what an address names. */
  open(): void {
    this.isRevealing = true;
    const selected = state.selected;
    const process = selected && !selected.startsWith("s") ? state.model?.byPid.get(Number(selected)) : null;
    if (process) for (let one: Process | null = process; one; one = one.parent) {
      state.folded.delete(one.session.id);
      if (one !== process) state.folded.delete(`p${one.key}`);
    }
    this.show();
  }

  private redraw(element: Element, key: string, children: () => Child): void {
    if (this.drawn.get(element) === key) return;
    this.drawn.set(element, key);
    const buttons = [...element.querySelectorAll("button")];
    const focused = buttons.indexOf(document.activeElement as HTMLButtonElement);
    replace(element, children());
    if (focused >= 0) element.querySelectorAll("button")[focused]?.focus();
  }

  private sentenceOf(model: Model, processes: readonly Process[]): Child {
    const sessions = model.sessions.filter((session) => session.wire && !session.isSystem);
    const present = sessions.filter((session) => session.group === 0);
    const people = new Set(present.map((session) => session.user));
    const left = processes.filter((process) => process.isLeftover);
    const gained = processes.filter((process) => process.hasGainedRoot);
    const owners = new Set(left.map((process) => process.session.user));
    const whose = owners.size === 1 ? ` of ${clean([...owners][0]!)}’s` : "";
    const leftWords: Child = left.length
      ? [this.filter("left", "", count(left.length, "process", "processes")), `${whose} ${verb(left.length)} left over. `]
      : sessions.length ? `Nothing ${verb(1)} left over. ` : "";
    const gainedWords: Child = gained.length
      ? [this.filter("root", "", count(gained.length, "time", "times")), " somebody became root."]
      : "";
    if (!state.seesEverything)
      return [
        state.at === null ? "You have " : "You had ", h("b", {}, count(sessions.length, "logon session", "logon sessions")), " here with ",
        h("b", {}, count(processes.length, "process", "processes")), ". ", leftWords, gainedWords,
      ];
    if (!people.size) {
      const system = processes.filter((process) => process.session.isSystem).length;
      return [`Nobody ${verb(1)} logged in. `, left.length ? leftWords : "", `The System session ${state.at === null ? "runs" : "ran"} `, h("b", {}, count(system, "process", "processes")), ". ", gainedWords];
    }
    return [h("b", {}, people.size === 1 ? "1 person" : `${people.size} people`), ` ${verb(people.size)} logged in. `, leftWords, gainedWords];
  }

  private filter(mark: Mark, classes: string, ...children: Child[]): HTMLElement {
    const toggle = () => {
      state.mark = state.mark === mark ? null : mark;
      this.show();
    };
    return h("button", { class: classes || null, type: "button", "aria-pressed": String(state.mark === mark), onclick: toggle }, ...children);
  }

  toggleMark(mark: Mark): void {
    state.mark = state.mark === mark ? null : mark;
    this.show();
  }

  private setUser(user: string | null): void {
    state.user = user;
    this.show();
  }

  private clear(): void {
    state.search = "";
    state.mark = state.user = null;
    this.show();
    this.search.focus();
  }

  private showHits(rows: Rows | null): void {
    if (rows) {
      const isNarrowed = isFiltering() || state.user !== null;
      this.hits.textContent = isNarrowed
        ? `${count(rows.processes, "process", "processes")} in ${count(rows.sessions, "logon session", "logon sessions")}`
        : "";
    }
    const waiting = this.isPending && state.model ? state.model.changes : 0;
    find(".wait", this.hits)?.remove();
    if (waiting) this.hits.append(h("span", { class: "wait" }, `${count(waiting, "change", "changes")} waiting`));
  }

  private showEmpty(rows: Rows): void {
    find(".empty", this.box)?.remove();
    if (rows.items.length) return;
    const isNothingLeft = state.mark === "left" && !state.search && state.user === null;
    const what = state.search || (state.mark && MARKS[state.mark][0]) || state.user || "";
    this.box.append(
      h(
        "div",
        { class: "empty" },
        bigIcon(),
        h("h2", {}, isNothingLeft ? "Nothing is left over" : "Nothing fits"),
        h("p", {}, isNothingLeft
          ? "Every process belongs to a login that is still there, or to the System session."
          : `No process ${state.at === null ? `fits “${clean(what)}” now` : `of that moment fits “${clean(what)}”`}. It may have ended.`),
        h("div", { class: "acts" }, h("button", { class: "btn", type: "button", onclick: () => this.clear() }, "Show everything")),
      ),
    );
  }

  private selectSession(session: Session): void {
    state.folded.delete(session.id);
    this.select(`s${session.id}`);
    this.show();
    this.tree.reveal(`s${session.id}`);
  }

  private select(target: string | null): void {
    state.selected = target;
    writeAddress();
    this.tree.draw();
    this.showDetails();
  }

  close(): boolean {
    if (state.selected === null) return false;
    this.select(null);
    this.tree.focus();
    return true;
  }

  private showDetails(): void {
    this.element.classList.toggle("open", state.selected !== null);
    this.side.classList.toggle("idle", state.selected === null);
    fillDetails(this.side, (target) => {
      this.select(target);
      if (target !== null) this.open();
      else this.tree.focus();
    });
  }

  private pin(id: string): void {
    this.pinned = id;
    this.markPinned();
  }

  private markPinned(): void {
    for (const button of this.outline.querySelectorAll("button"))
      button.classList.toggle("first", button.dataset.id === this.pinned);
  }
}

/** "is" or "are"; of a past moment, "was" or "were". */
const verb = (number: number): string => (state.at === null ? (number === 1 ? "is" : "are") : number === 1 ? "was" : "were");

export const count = (number: number, one: string, many: string): string => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

function sentenceKey(model: Model, processes: readonly Process[]): string {
  const left = processes.filter((process) => process.isLeftover).map((process) => process.session.user);
  const gained = processes.filter((process) => process.hasGainedRoot).length;
  const users = model.sessions.map((session) => `${session.user}${session.group}`);
  return JSON.stringify([users, left, gained, processes.length, state.mark, state.seesEverything, state.at === null]);
}

const outlineKey = (model: Model): string =>
  JSON.stringify(model.sessions.map((session) => [session.id, session.user, session.how, session.group, session.processes.filter((one) => !one.hasEnded).length]));

function outlineOf(model: Model, select: (session: Session) => void): Child {
  return GROUPS.map((title, group) => {
    const sessions = model.sessions.filter((session) => session.group === group);
    if (!sessions.length) return null;
    return [
      h("h2", {}, title),
      sessions.map((session) => {
        const start = session.wire?.start;
        return h(
          "button",
          { "data-id": session.id, type: "button", onclick: () => select(session) },
          avatar(session.isSystem ? "System" : session.user, session.hue, session.isOut),
          h("span", { class: "n" }, clean(session.isSystem ? (session.wire ? "System" : "Not yours") : session.user), h("span", {}, session.isSystem ? "" : howText(session))),
          h("span", { class: "k" }, session.processes.filter((process) => !process.hasEnded).length),
          h("span", { class: "d" }, clean(fromText(session)) + (start && !session.isSystem ? `, ${state.clock.short(start)}` : "")),
        );
      }),
    ];
  });
}
