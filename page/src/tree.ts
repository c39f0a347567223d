/** The tree: a treegrid whose rows exist only where they can be seen. */

import { append, avatar, type Child, clean, h, icon, replace } from "./dom";
import { descendants, isFiltering, type Item, words } from "./items";
import { HOW, SYSTEM } from "./model";
import { state } from "./state";
import { chips, fromText, howText } from "./words";

interface Row {
  element: HTMLElement;
  kind: "process" | "session";
  index: number;
  y: number;
  appearance: string;
  /** The look that it shows, and whether it is selected: while both stay, it is not compared again. */
  version: number;
  isSelected: boolean;
}

interface ProcessRow extends Row {
  guides: HTMLElement;
  command: HTMLElement;
  marks: HTMLElement;
  user: HTMLElement;
  pid: HTMLElement;
  since: HTMLElement;
  below: HTMLElement;
}

const PAGE_ROWS = 18;

export class Tree {
  readonly element: HTMLElement;
  readonly inner = h("div", { class: "treein", role: "rowgroup" });
  items: Item[] = [];
  /** Whether the pointer is in the tree: then no row comes or goes. */
  isHeld = false;
  private offsets = new Float64Array(1);
  private readonly rows = new Map<string, Row>();
  private readonly unused: Record<Row["kind"], Row[]> = { process: [], session: [] };
  private isWaiting = false;
  private current = -1;
  private rowHeight = 28;
  private headHeight = 60;
  private pinned = "";
  private version = 0;

  constructor(
    private readonly select: (target: string) => void,
    private readonly change: () => void,
    private readonly onRelease: () => void,
    private readonly onPin: (sessionId: string) => void,
  ) {
    this.element = h(
      "div",
      { class: "tree", role: "treegrid", tabindex: 0, "aria-label": "Logon sessions and their processes", "aria-colcount": 5 },
      this.inner,
    );
    this.element.addEventListener("scroll", () => this.draw(), { passive: true });
    this.element.addEventListener("keydown", (event) => this.press(event));
    this.element.addEventListener("click", (event) => this.click(event));
    this.element.addEventListener("pointerenter", () => (this.isHeld = true));
    this.element.addEventListener("pointerleave", () => {
      this.isHeld = false;
      this.onRelease();
    });
    new ResizeObserver(() => this.measure()).observe(this.element);
    this.measure();
  }

  measure(): void {
    const style = getComputedStyle(document.documentElement);
    const rowHeight = parseFloat(style.getPropertyValue("--row")), headHeight = parseFloat(style.getPropertyValue("--head"));
    if (rowHeight !== this.rowHeight || headHeight !== this.headHeight) {
      this.rowHeight = rowHeight;
      this.headHeight = headHeight;
      this.rows.forEach((row) => (row.appearance = ""));
      this.set(this.items);
    }
    this.draw();
  }

  /** Show these rows; the first one that can be seen stays where it is. */
  set(items: Item[]): void {
    const top = this.element.scrollTop;
    const anchor = this.items[this.find(top)];
    const distance = anchor ? this.offsets[this.find(top)]! - top : 0;
    const cursor = this.items[this.current]?.id;
    this.items = items;
    if (this.offsets.length < items.length + 1) this.offsets = new Float64Array(Math.ceil(items.length * 1.25) + 1);
    let y = 0, anchorY = -1;
    this.current = -1;
    items.forEach((item, i) => {
      this.offsets[i] = y;
      if (anchor && item.id === anchor.id) anchorY = y;
      if (item.id === cursor) this.current = i;
      y += item.process ? this.rowHeight : this.headHeight;
    });
    this.offsets[items.length] = y;
    this.version++;
    this.inner.style.height = `${y + 24}px`;
    this.element.setAttribute("aria-rowcount", String(items.length));
    if (anchorY >= 0 && top > 0 && anchorY - distance !== top) this.element.scrollTop = anchorY - distance;
    this.draw();
  }

  /** Draw again what has changed in the rows. */
  refresh(): void {
    this.version++;
    this.draw();
  }

  /** Draw in the next frame. */
  draw(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      this.paint();
    });
  }

  /** Scroll to a row, with the head of its logon session where both fit. */
  reveal(target: string): void {
    const index = this.items.findIndex((item) => item.target === target);
    if (index < 0) return;
    this.current = index;
    const y = this.offsets[index]!, height = this.element.clientHeight, top = this.element.scrollTop;
    if (y < top + this.headHeight || y > top + height - this.headHeight) {
      const head = this.offsets[this.headOf(index)]!;
      this.element.scrollTop = y - head < height - 2 * this.headHeight ? head : y - height / 2;
    }
    this.draw();
  }

  private headOf(index: number): number {
    while (index > 0 && this.items[index]!.process) index--;
    return index;
  }

  /** The first row that ends below y. */
  private find(y: number): number {
    let low = 0, high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.offsets[middle + 1]! <= y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private paint(): void {
    const top = this.element.scrollTop, height = this.element.clientHeight, count = this.items.length;
    const first = Math.max(0, this.find(top) - 6), end = Math.min(count, this.find(top + height) + 7);
    let pin = -1;
    if (count) {
      const head = this.headOf(Math.min(this.find(top), count - 1));
      if (this.offsets[head]! < top) pin = head;
    }
    const wanted = new Set<string>();
    for (let i = first; i < end; i++) wanted.add(this.items[i]!.id);
    if (pin >= 0) wanted.add(this.items[pin]!.id);
    for (const [id, row] of this.rows) {
      if (wanted.has(id)) continue;
      this.rows.delete(id);
      row.element.style.transform = "translateY(-9999px)";
      row.element.hidden = true;
      row.element.id = "";
      this.unused[row.kind].push(row);
    }
    for (let i = first; i < end; i++) if (i !== pin) this.drawRow(i, this.offsets[i]!, false);
    if (pin >= 0) {
      let next = pin + 1;
      while (next < end && this.items[next]?.process) next++;
      const nextY = next < count && !this.items[next]!.process ? this.offsets[next]! : Infinity;
      this.drawRow(pin, Math.min(top, nextY - this.headHeight), true);
    }
    const shown = this.items[pin >= 0 ? pin : Math.min(this.find(top), count - 1)]?.session.id ?? "";
    if (shown !== this.pinned) {
      this.pinned = shown;
      this.onPin(shown);
    }
    const current = this.items[this.current];
    if (current && this.rows.has(current.id)) this.element.setAttribute("aria-activedescendant", `r-${current.id}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  private drawRow(index: number, y: number, isPinned: boolean): void {
    const item = this.items[index]!;
    const kind = item.process ? "process" : "session";
    let row = this.rows.get(item.id);
    if (!row) {
      row = this.unused[kind].pop() ?? (kind === "process" ? newProcessRow() : newSessionRow());
      row.appearance = "";
      row.y = NaN;
      row.index = -1;
      row.element.hidden = false;
      row.element.id = `r-${item.id}`;
      this.rows.set(item.id, row);
      if (!row.element.isConnected) this.inner.append(row.element);
    }
    if (row.y !== y) {
      row.element.style.transform = `translateY(${y}px)`;
      row.y = y;
    }
    const isSelected = state.selected === item.target;
    const isKnown = row.version === this.version && row.isSelected === isSelected && row.appearance !== "";
    const appearance = isKnown ? row.appearance : `${item.appearance}|${isSelected}`;
    row.version = this.version;
    row.isSelected = isSelected;
    if (row.appearance !== appearance) {
      row.appearance = appearance;
      if (item.process) fillProcess(row as ProcessRow, item);
      else fillSession(row, item);
      row.element.classList.toggle("on", isSelected);
      row.element.setAttribute("aria-selected", String(isSelected));
    }
    if (row.index !== index) row.element.setAttribute("aria-rowindex", String(index + 1));
    row.index = index;
    row.element.classList.toggle("pin", isPinned);
  }

  private click(event: Event): void {
    const target = event.target as Element;
    const element = target.closest(".row");
    const row = [...this.rows.values()].find((one) => one.element === element);
    if (!row) return;
    this.current = row.index;
    const item = this.items[row.index]!;
    if (target.closest(".fold") || target.closest(".cv")) this.fold(item);
    else this.select(item.target);
  }

  private fold(item: Item): void {
    if (!state.folded.delete(item.foldKey)) state.folded.add(item.foldKey);
    this.change();
  }

  focus(): void {
    this.element.focus({ preventScroll: true });
    if (this.current < 0 && this.items.length) this.current = 0;
    this.draw();
  }

  private press(event: KeyboardEvent): void {
    const last = this.items.length - 1;
    if (event.ctrlKey || event.metaKey || event.altKey || last < 0) return;
    let index = this.current;
    if (index < 0 && state.selected) index = this.items.findIndex((item) => item.target === state.selected);
    const item = this.items[index];
    const moves: Record<string, number> = {
      ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: last, PageDown: index + PAGE_ROWS, PageUp: index - PAGE_ROWS,
    };
    let next = moves[event.key];
    if (event.key === "ArrowRight" && item) {
      if (item.canFold && item.isFolded) return this.fold(item), event.preventDefault();
      next = index + 1;
    } else if (event.key === "ArrowLeft" && item) {
      if (item.canFold && !item.isFolded) return this.fold(item), event.preventDefault();
      next = index - 1;
      while (next > 0 && this.items[next]!.process && this.items[next]!.depth >= item.depth) next--;
    } else if (event.key === "Enter") {
      event.preventDefault();
      document.querySelector<HTMLElement>(".side button")?.focus();
      return;
    }
    if (next === undefined) return;
    event.preventDefault();
    this.current = Math.max(0, Math.min(last, next));
    const y = this.offsets[this.current]!, top = this.element.scrollTop;
    if (y < top + this.headHeight) this.element.scrollTop = y - this.headHeight - 8;
    else if (y + this.rowHeight > top + this.element.clientHeight) this.element.scrollTop = y + this.rowHeight + 8 - this.element.clientHeight;
    this.select(this.items[this.current]!.target);
    this.draw();
  }
}

function newProcessRow(): ProcessRow {
  const cell = (name: string, role = "gridcell") => h("span", { class: name, role });
  const guides = h("span", { class: "gd", "aria-hidden": "true" });
  const [command, marks, user, pid, since] = [cell("cmd"), cell("mk"), cell("cu"), cell("cp"), cell("ct")];
  const below = h("span", { class: "sub", "aria-hidden": "true" });
  const element = h("div", { class: "row pr", role: "row" }, guides, command, marks, user, pid, since, below);
  return { element, kind: "process", index: -1, y: NaN, appearance: "", version: -1, isSelected: false, guides, command, marks, user, pid, since, below };
}

function newSessionRow(): Row {
  return { element: h("div", { class: "row sh", role: "row" }), kind: "session", index: -1, y: NaN, appearance: "", version: -1, isSelected: false };
}

function highlighted(text: string): Child {
  const word = words().find((one) => !/^\w+:./.test(one) && one[0] !== ":");
  const at = word ? text.toLowerCase().indexOf(word) : -1;
  return at < 0 ? text : [text.slice(0, at), h("mark", {}, text.slice(at, at + word!.length)), text.slice(at + word!.length)];
}

const FIRST_GUIDE = 25;

function fillProcess(row: ProcessRow, item: Item): void {
  const process = item.process!, { element } = row;
  const isFolded = item.isFolded && process.children.length > 0;
  element.className = ["row pr", item.isDim && "dim", process.isNew && "fresh", process.hasEnded && "done", process.isKernel && "kern"]
    .filter(Boolean)
    .join(" ");
  element.setAttribute("aria-level", String(item.depth + 2));
  if (process.children.length) element.setAttribute("aria-expanded", String(!isFolded));
  else element.removeAttribute("aria-expanded");
  const step = innerWidth <= 720 ? 13 : 18;
  const guides = item.guides;
  const marks: HTMLElement[] = [];
  const guide = (classes: string, left: number) => {
    const line = h("i", { class: classes });
    line.style.left = `${left}px`;
    marks.push(line);
    return line;
  };
  guides.forEach(([hue, goesOn, isLeft], level) => {
    const classes = `${hue}${isLeft ? " w" : ""}`;
    if (goesOn) guide(classes, FIRST_GUIDE + level * step);
    if (level === guides.length - 1) guide(`t ${classes}`, FIRST_GUIDE + level * step);
  });
  const left = FIRST_GUIDE + guides.length * step;
  const dot = h("u", { class: `${process.hue}${process.isChange ? " chg" : ""}${process.container ? " box" : process.isLeftover ? " hol" : ""}${isFolded ? " fold" : ""}` });
  dot.style.left = `${left - 4}px`;
  marks.push(dot);
  if (item.hasChildren) guide(`${process.hue}${process.isLeftover ? " w" : ""}`, left).style.top = "50%";
  row.guides.style.width = `${left + 8}px`;
  row.guides.replaceChildren(...marks);
  replace(row.command, h("b", {}, highlighted(process.name)), highlighted(process.rest));
  row.command.title = process.commandLine;
  replace(row.marks, chips(process));
  row.user.textContent = process.user;
  row.user.classList.toggle("x", process.hue === "c-root");
  row.pid.textContent = String(process.pid);
  const since = state.clock.short(process.wire.start);
  row.since.textContent = isFolded ? `+${descendants(process)}` : since;
  row.below.textContent = `${process.pid}, ${process.user}${since ? `, since ${since}` : ""}`;
}

function fillSession(row: Row, item: Item): void {
  const { session } = item, { wire } = session;
  const isOpen = !item.isFolded || isFiltering();
  const { element } = row;
  element.className = `row sh ${session.hue}${isOpen ? "" : " shut"}${item.isFirst ? " first" : ""}`;
  element.setAttribute("aria-level", "1");
  element.setAttribute("aria-expanded", String(isOpen));
  const name = session.isSystem ? (session.id === SYSTEM ? "No login" : "Not yours") : clean(session.user);
  const start = wire?.start ?? null;
  const facts = session.isSystem
    ? fromText(session) === "services and the kernel" ? "services, daemons and the kernel" : "processes of logon sessions that you may not see"
    : [
        clean(fromText(session)),
        wire?.tty && wire.tty !== fromText(session) ? `, ${clean(wire.tty)}` : "",
        start ? `, since ${wire?.start_is_approximate ? "about " : ""}${state.clock.long(start)}` : "",
      ];
  element.replaceChildren();
  append(element, [
    isOpen && h("span", { class: `thr${session.isOut ? " w" : ""}` }),
    avatar(session.isSystem ? "System" : session.user, session.hue, session.isOut),
    h(
      "div",
      { class: "tx", role: "gridcell" },
      h(
        "div",
        { class: "l1" },
        h("b", {}, name),
        icon(HOW[session.how][1]),
        h("span", {}, session.isSystem ? "System session" : howText(session)),
        session.isOut ? h("span", { class: "chip left" }, "logged out") : null,
        wire?.is_foreign ? h("span", { class: "chip" }, icon("box"), "in a container") : null,
        wire?.state === "closing" ? h("span", { class: "chip" }, wire.state) : null,
      ),
      h("div", { class: "l2" }, facts),
    ),
    h(
      "div",
      { class: "nn", role: "gridcell" },
      h("div", {}, h("b", {}, item.count), item.count === 1 ? " process" : " processes"),
      h("div", {}, session.id === SYSTEM ? "System" : session.wire ? `logon ${session.id}` : ""),
    ),
    icon("down", "cv"),
  ]);
}

