/** The view Timeline: logins of the past as lanes, how much they ran, and what was left over. */

import { allRows, ApiError, LostError } from "./api";
import { Brush, Colours } from "./chart";
import { bigIcon, type Child, clean, h, icon, replace, svg } from "./dom";
import { save } from "./export";
import { drawOverview, type Hit, LABELS, type Lane, LanePainter, makeLanes, NAMED_SPAN, RULER, Scale, tickText, ticks } from "./lanes";
import { count } from "./live";
import { type Login, LoginSpan, type PastRow, readProcesses, readSpan } from "./logins";
import { attemptsOf, countsOf, readRefusals, type Refusal, type RefusalSpan } from "./refusals";
import { state, writeAddress } from "./state";
import { DAY, duration, HOUR, minute, MINUTE, second } from "./times";

const PRESETS: [string, number][] = [["15 min", 15 * MINUTE], ["1 h", HOUR], ["6 h", 6 * HOUR], ["24 h", DAY], ["7 days", 7 * DAY], ["30 days", 30 * DAY]];
const RANGES = [DAY, 7 * DAY, 30 * DAY, 100 * DAY, 400 * DAY];
const SHORTEST = 20_000, LONGEST = 400 * DAY, AFTER_NOW = 0.015;
/** The overview has more than it shows, so that the beginning of a span is there while the clock goes on. */
const EARLIER = 1.04;
const BINS = 480, WAIT_MS = 150, REFRESH_MS = 30_000;
/** More processes than these are not drawn by name. */
const MOST_NAMED = 20_000, MOST_LISTED = 300;

type Drag = { kind: "pan" | "select"; x: number; y: number; from: number; to: number; scroll: number; time: number; hasMoved: boolean };
type Grip = { kind: "from" | "to" | "move" | "new"; time: number };

export class TimelineView {
  readonly element = h("div", { class: "tl" });
  private readonly sentence = h("p", { class: "say", id: "timeline-says", "aria-live": "polite" });
  private readonly bar = h("div", { class: "tlbar" });
  private readonly overview = h("div", { class: "ov" }, h("canvas", { "aria-hidden": "true" }));
  private readonly lanes = h(
    "div",
    { class: "lanes", tabindex: 0, role: "application", "aria-label": "Timeline of logon sessions. Arrow keys move, plus and minus zoom, Enter lists what is in view", "aria-describedby": "timeline-says" },
    h("canvas", { "aria-hidden": "true" }),
  );
  private readonly search = h("input", {
    class: "goto", type: "text", placeholder: "go to a time", "aria-label": "Go to a time, such as 03:12", autocomplete: "off", maxlength: 8,
    onkeydown: (event: KeyboardEvent) => {
      event.stopPropagation();
      if (event.key === "Escape") this.lanes.focus({ preventScroll: true });
      if (event.key === "Enter") this.goTo(this.search.value);
    },
  });
  private readonly list = h("section", { class: "span", hidden: true, "aria-label": "Processes of the span" });
  private from = 0;
  private to = 0;
  private range = DAY;
  private whole: LoginSpan | null = null;
  private detail: LoginSpan | null = null;
  private rows: { from: number; to: number; byLogin: Map<string, PastRow[]> } | null = null;
  /** Failed logins: of the range of the overview, and where these are too many, of the span. */
  private refusals: RefusalSpan | null = null;
  private fewer: RefusalSpan | null = null;
  /** Since when the history is kept; null: not known. */
  private keptSince: number | null = null;
  private isBeginningRead = false;
  private laneList: Lane[] = [];
  private lanesOf = "";
  private readonly open_ = new Set<string>();
  private readonly shut = new Set<string>();
  private hits: Hit[] = [];
  private scroll = 0;
  private most = 0;
  private selection: { from: number; to: number } | null = null;
  private moment: number | null = null;
  private timer = 0;
  private loading: AbortController | null = null;
  private listing = 0;
  private readAt = -Infinity;
  private isWaiting = false;
  private drag: Drag | null = null;
  private grip: Grip | null = null;
  private problem = "";
  private isOpened = false;

  constructor() {
    replace(this.element, h("h1", { class: "hide" }, "Timeline"), this.sentence, this.bar, this.overview, this.lanes, this.list);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(this.lanes);
    new MutationObserver(() => this.draw()).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => this.draw());
  }

  open(): void {
    writeAddress();
    if (!state.hasHistory) return this.showNone();
    // The host's clock comes with the first look.
    this.isOpened = state.clock.isKnown;
    if (!this.isOpened) return replace(this.sentence, "Reading the history …");
    const now = state.clock.now;
    this.from = state.span?.from ?? now - DAY;
    this.to = state.span?.to ?? now + DAY * AFTER_NOW;
    this.fit(0);
    this.sync();
    this.lanes.focus({ preventScroll: true });
  }

  focusSearch(): void {}

  /** What ran since the last look. */
  tick(): void {
    if (!state.hasHistory || !this.element.isConnected) return;
    if (!this.isOpened) return this.open();
    if (state.span === null && this.drag === null) {
      const now = state.clock.now;
      this.from = now - DAY;
      this.to = now + DAY * AFTER_NOW;
    }
    if (performance.now() - this.readAt > REFRESH_MS && !state.clock.isStill) {
      this.readAt = performance.now();
      this.whole = this.detail = this.rows = this.refusals = this.fewer = null;
      void this.load();
    }
    this.draw();
  }

  private showNone(): void {
    replace(
      this.element,
      h("h1", { class: "hide" }, "Timeline"),
      h(
        "div",
        { class: "empty" },
        bigIcon(),
        h("h2", {}, "This host keeps no history"),
        h("p", {}, "The service does not keep what happened on it. The setting ", h("code", {}, "history = true"), " changes that, from then on."),
      ),
    );
  }

  // --- what is shown

  private get now(): number {
    return state.clock.now;
  }
  private get labels(): number {
    return innerWidth <= 720 ? 0 : LABELS;
  }
  private get scale(): Scale {
    return new Scale(this.from, this.to, this.labels, this.lanes.clientWidth);
  }
  private get wholeScale(): Scale {
    return new Scale(this.now - this.range, this.now + this.range * AFTER_NOW, this.labels, this.overview.clientWidth);
  }

  /** Keep the span within what can be shown; `least`: the shortest range of the overview. */
  private fit(least: number): void {
    const now = this.now, span = Math.max(SHORTEST, Math.min(LONGEST, this.to - this.from)), end = now + span * 0.02;
    if (this.to > end) this.to = end;
    this.from = Math.max(this.to - span, now - LONGEST);
    this.to = this.from + span;
    const needed = Math.max(now - this.from, least) / 1.03;
    const range = RANGES.find((one) => one >= needed) ?? LONGEST;
    if (range > this.range || least || this.range > 8 * (now - this.from)) this.range = range;
  }

  private show(from: number, to: number, least = 0): void {
    this.from = from;
    this.to = to;
    this.fit(least);
    state.span = { from: Math.round(this.from), to: Math.round(this.to) };
    this.sync();
  }

  private zoom(factor: number, around = (this.from + this.to) / 2): void {
    const span = Math.max(SHORTEST, Math.min(LONGEST, (this.to - this.from) * factor));
    const share = (around - this.from) / (this.to - this.from);
    this.show(around - span * share, around - span * share + span);
  }

  private preset(span: number): void {
    const end = this.now + span * AFTER_NOW;
    const to = span >= DAY ? end : Math.min(end, (this.from + this.to) / 2 + span / 2);
    this.show(span >= DAY ? this.now - span : to - span, to, Math.max(span, DAY));
  }

  /** Show the span, and read what is missing of it. */
  private sync(): void {
    writeAddress();
    this.showBar();
    this.showSentence();
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.load(), this.whole ? WAIT_MS : 0);
  }

  private async load(): Promise<void> {
    this.loading?.abort();
    const loading = (this.loading = new AbortController()), { signal } = loading;
    try {
      await this.read(signal);
      this.problem = "";
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof LostError) this.problem = "The server cannot be reached.";
      else if (error instanceof ApiError) this.problem = `${error.reason[0]?.toUpperCase() ?? ""}${clean(error.reason.slice(1))}.`;
      else throw error;
    }
    this.showSentence();
    this.draw();
  }

  private async read(signal: AbortSignal): Promise<void> {
    const { from, to, now, range } = this, span = to - from;
    if (!this.whole || this.whole.until - this.whole.since < range || !this.whole.covers(now - range, Math.min(to, now - 2 * REFRESH_MS))) {
      const whole = await readSpan(now - range * EARLIER, now + 1, range / BINS, signal);
      if (signal.aborted) return;
      this.whole = whole;
      this.refusals = this.fewer = null;
      this.readAt = performance.now();
      this.showSentence();
      this.draw();
    }
    const isFine = this.detail && this.detail.covers(from, Math.min(to, now - REFRESH_MS)) && this.detail.step <= span / 120 && this.detail.step >= span / 2000;
    if (!isFine && (span < range / 2 || from < this.whole.since)) {
      const detail = await readSpan(from - span / 2, Math.min(now + 1, to + span / 2), Math.max(1, span / (BINS / 2)), signal);
      if (signal.aborted) return;
      this.detail = detail;
      this.draw();
    }
    await this.readNames(signal);
    await this.readRefusals(signal);
    if (this.isBeginningRead) return;
    this.keptSince = await readKeptSince(signal);
    this.isBeginningRead = true;
  }

  private async readRefusals(signal: AbortSignal): Promise<void> {
    const { from, to, now, range } = this, span = to - from, end = Math.min(to, now - 2 * REFRESH_MS);
    if (!this.refusals) this.refusals = await readRefusals(now - range * EARLIER, now + 1, signal);
    if (signal.aborted || this.refusals.covers(from, end) || this.fewer?.covers(from, end)) return;
    this.fewer = await readRefusals(from - span / 2, Math.min(now + 1, to + span / 2), signal);
  }

  /** The failed logins of the span, and whether these are all. */
  private get failedLogins(): { refusals: Refusal[]; areAll: boolean } {
    const { from, to } = this, end = Math.min(to, this.now - 2 * REFRESH_MS);
    const source = this.refusals?.covers(from, end) ? this.refusals : this.fewer ?? this.refusals;
    return { refusals: source?.within(from, to) ?? [], areAll: source?.covers(from, end) ?? true };
  }

  private async readNames(signal: AbortSignal): Promise<void> {
    const { from, to } = this, span = to - from;
    const source = this.detail?.covers(from, Math.min(to, this.now - REFRESH_MS)) ? this.detail : this.whole;
    if (span > NAMED_SPAN || !source || (this.rows && this.rows.from <= from && this.rows.to >= Math.min(to, this.now))) return;
    if (startedIn(source, from, to) > MOST_NAMED) return void (this.rows = null);
    const first = from - span / 4, last = to + span / 4;
    const rows = await readProcesses(source, first, last, signal);
    if (signal.aborted) return;
    const byLogin = new Map<string, PastRow[]>();
    for (const row of rows.sort((a, b) => a.start - b.start)) {
      const list = byLogin.get(row.login!.record);
      if (list) list.push(row);
      else byLogin.set(row.login!.record, [row]);
    }
    this.rows = { from: first, to: last, byLogin };
  }

  /** The finest span that has all that is shown; null: it is being read. */
  private get covering(): LoginSpan | null {
    const source = this.source;
    return source?.covers(this.from, Math.min(this.to, this.now - 2 * REFRESH_MS)) ? source : null;
  }

  /** The logins of the finest span that is there. */
  private get source(): LoginSpan | null {
    return this.detail?.covers(this.from, Math.min(this.to, this.now - REFRESH_MS)) ? this.detail : this.whole;
  }

  private showBar(): void {
    const span = this.to - this.from, button = (label: string, name: "plus" | "minus", factor: number) =>
      h("button", { type: "button", "aria-label": label, onclick: () => this.zoom(factor) }, icon(name));
    const day = state.clock.day(state.clock.wall(this.from)), lastDay = state.clock.day(state.clock.wall(this.to));
    const end = this.to >= this.now - 1000 ? "now" : `${minute(state.clock.wall(this.to))}${lastDay === day || lastDay === "today" ? "" : ` ${lastDay}`}`;
    const focused = [...this.bar.querySelectorAll("button")].indexOf(document.activeElement as HTMLButtonElement);
    replace(
      this.bar,
      h("div", { class: "seg", role: "group", "aria-label": "Span" }, PRESETS.map(([label, length]) =>
        h("button", { type: "button", class: length > DAY ? "long" : "", "aria-pressed": String(Math.abs(span - length) < length * 0.02), onclick: () => this.preset(length) }, label),
      )),
      h("div", { class: "seg", role: "group", "aria-label": "Zoom" }, button("Zoom out", "minus", 1.6), button("Zoom in", "plus", 1 / 1.6)),
      this.search,
      h("span", { class: "range" }, `${minute(state.clock.wall(this.from))}${day === "today" ? "" : ` ${day}`} to ${end}`),
      h("span", { class: "grow" }),
      legend(),
    );
    if (focused >= 0) this.bar.querySelectorAll("button")[focused]?.focus();
  }

  private showSentence(): void {
    const source = this.covering;
    if (this.problem) return replace(this.sentence, h("span", { role: "alert" }, this.problem));
    if (!source) return replace(this.sentence, "Reading the history …");
    const { from, to, now } = this;
    const logins = source.logins.filter((login) => login.start < to && !login.endsBefore(from));
    const users = new Set(logins.map((login) => login.user));
    const length = duration(Math.min(now, to) - Math.max(now - LONGEST, from));
    const who: Child = state.seesEverything ? [" of ", count(users.size, "user", "users")] : " of yours";
    const failed = sumOf(source, logins, from, to, (bin) => bin.failed);
    replace(
      this.sentence,
      h("b", {}, count(logins.length, "logon", "logons")), who, ` in ${length}. `,
      failed ? [h("b", {}, count(failed, "process", "processes")), " failed. "] : "",
      this.refused(),
      this.outlived(source, logins),
    );
  }

  private refused(): Child {
    const { refusals, areAll } = this.failedLogins;
    return countsOf(refusals).map(([number, noun, these]) => [
      areAll ? "" : "At least ",
      h("button", { type: "button", onclick: () => this.showRefusals(these) }, `${number.toLocaleString("en")} ${noun}`),
      " failed. ",
    ]);
  }

  private showRefusals(refusals: readonly Refusal[]): void {
    const time = refusals[0]!.time;
    this.closeCard();
    this.moment = time;
    this.draw();
    this.showCardOf({ refusals }, time, this.scale.x(time), RULER + 16);
  }

  /** The logout in view that most processes outlived. */
  private outlived(source: LoginSpan, logins: readonly Login[]): Child {
    let best: Login | null = null, most = 0;
    for (const login of logins) {
      const { out } = login;
      if (out === null || out < this.from || out > this.to || (login.end !== null && login.end - out < source.step)) continue;
      const after = login.bins.find((bin) => source.since + bin.number * source.step > out)?.running ?? 0;
      if (after > most) [best, most] = [login, after];
    }
    if (!best) return "";
    const out = best.out!, day = state.clock.day(state.clock.wall(out));
    const look = h("button", { type: "button", onclick: () => this.show(out - HOUR, out + HOUR) }, count(most, "process", "processes"));
    return [look, ` outlived ${best.user}’s logout at ${minute(state.clock.wall(out))}${day === "today" ? "" : ` ${day}`}.`];
  }

  // --- drawing

  private draw(): void {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => {
      this.isWaiting = false;
      if (this.lanes.isConnected) this.paint();
    });
  }

  private paint(): void {
    // One entry, which tools of the browser show, and the measurements of docs/page.md.
    performance.clearMeasures("timeline");
    const started = performance.now();
    const colours = new Colours(), scale = this.scale;
    const title = this.range === DAY ? "24 hours" : duration(this.range);
    drawOverview(new Brush(this.overview.querySelector("canvas")!, colours), this.whole, this.refusals, this.wholeScale, scale, title, this.keptSince);
    const brush = new Brush(this.lanes.querySelector("canvas")!, colours);
    const { times, step } = ticks(scale);
    for (const time of times) {
      const x = Math.round(scale.x(time)) + 0.5;
      brush.line(colours.get(step < DAY && tickText(time, DAY) !== tickText(time - step, DAY) ? "--line2" : "--line"), x, RULER, x, brush.height);
      brush.text(tickText(time, step), x + 4, 15, colours.get("--ink3"), colours.sans(11));
    }
    this.paintBeginning(brush, scale);
    this.updateLanes();
    const rows = this.to - this.from <= NAMED_SPAN ? this.rows?.byLogin ?? null : null;
    const spans = [this.detail, this.whole].filter((one): one is LoginSpan => one !== null);
    const painter = new LanePainter(brush, scale, { lanes: this.laneList, spans, rows, open: this.open_, shut: this.shut, scroll: this.scroll, refusals: this.failedLogins.refusals });
    this.most = Math.max(0, painter.draw() - brush.height + 20);
    this.hits = painter.hits;
    this.isOpen = (lane) => painter.isOpen(lane);
    this.paintMarks(brush, scale);
    performance.measure("timeline", { start: started, end: performance.now() });
  }

  private isOpen: (lane: Lane) => boolean = () => false;

  /** Say where the history begins: what is empty before is not known. */
  private paintBeginning(brush: Brush, scale: Scale): void {
    if (this.keptSince === null || this.keptSince <= this.from) return;
    const { colours, height } = brush, end = Math.min(brush.width, scale.x(this.keptSince)), wide = end - scale.left;
    brush.rectangle(colours.get("--bg"), scale.left, RULER + 1, wide, height);
    brush.line(colours.get("--line2"), end, RULER, end, height);
    const words = `No history before ${state.clock.long(state.clock.wall(this.keptSince))}`;
    if (wide > 240) brush.text(words, end - 210, RULER + 16, colours.get("--ink3"), colours.sans(12), 200);
  }

  private updateLanes(): void {
    const source = this.source ?? this.whole;
    const key = source ? `${source.since} ${source.step} ${source.logins.length} ${this.to - this.from > 36 * HOUR}` : "";
    if (key === this.lanesOf) return;
    this.lanesOf = key;
    this.laneList = source ? makeLanes(source.logins, this.to - this.from) : [];
  }

  private paintMarks(brush: Brush, scale: Scale): void {
    const { colours, width, height } = brush, ink = colours.get("--ink"), surface = colours.get("--surface");
    brush.rectangle(surface, 0, 0, scale.left - 4, RULER);
    if (scale.left) brush.text("Drag the ruler to select", 24, 15, colours.get("--ink3"), colours.sans(11));
    brush.line(colours.get("--line"), 0, RULER + 0.5, width, RULER + 0.5);
    if (this.selection) {
      const from = scale.x(this.selection.from), to = scale.x(this.selection.to);
      brush.rectangle(ink, from, 0, to - from, height, 0, 0.07);
      for (const x of [from, to]) brush.rectangle(ink, x - 0.75, 0, 1.5, height);
    }
    const label = (text: string, x: number, wide: number, at: number, dash: number[]) => {
      brush.line(ink, at, 24, at, height, 1.5, dash);
      brush.rectangle(ink, x, 4, wide, 20, 5);
      brush.text(text, x + 7, 14.5, surface, colours.sans(11, 600));
    };
    const now = scale.x(this.now);
    if (now <= width && now >= scale.left) label("now", Math.min(width - 40, now - 18), 36, now, []);
    if (this.moment !== null) {
      const x = scale.x(this.moment);
      if (x >= scale.left) label(second(state.clock.wall(this.moment)), Math.min(width - 64, Math.max(scale.left, x - 30)), 62, x, [4, 3]);
    }
  }

  // --- pointer and keys

  private listen(): void {
    const { lanes, overview } = this;
    const place = (event: MouseEvent, element: HTMLElement) => {
      const box = element.getBoundingClientRect();
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    lanes.addEventListener("pointerdown", (event) => {
      if ((event.target as Element).closest(".pop")) return;
      this.closeCard();
      this.press(place(event, lanes), event);
    });
    lanes.addEventListener("pointermove", (event) => this.move(place(event, lanes)));
    lanes.addEventListener("pointerup", (event) => this.release(place(event, lanes)));
    lanes.addEventListener("pointerleave", () => {
      if (!this.card && this.moment !== null) {
        this.moment = null;
        this.draw();
      }
    });
    lanes.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey || event.metaKey) return this.zoom(Math.exp(event.deltaY * 0.0022), this.scale.time(place(event, lanes).x));
      this.scrollTo(this.scroll + event.deltaY);
      const by = (event.deltaX / 800) * (this.to - this.from);
      if (by) this.show(this.from + by, this.to + by);
    }, { passive: false });
    lanes.addEventListener("keydown", (event) => this.pressKey(event));
    overview.addEventListener("pointerdown", (event) => {
      this.grip = this.gripAt(place(event, overview).x);
      overview.setPointerCapture(event.pointerId);
    });
    overview.addEventListener("pointermove", (event) => this.moveGrip(place(event, overview).x));
    overview.addEventListener("pointerup", () => (this.grip = null));
  }

  private scrollTo(y: number): void {
    this.scroll = Math.max(0, Math.min(this.most, y));
    this.draw();
  }

  private press({ x, y }: { x: number; y: number }, event: PointerEvent): void {
    const scale = this.scale;
    if (x < scale.left && y > RULER) {
      const lane = this.laneList.find((one) => one.height > 0 && y >= one.y && y < one.y + one.height);
      if (!lane) return;
      // Above the span with names there is nothing to open: then the login itself is what a click means.
      if (this.to - this.from > NAMED_SPAN) return this.showLogin(lane, y);
      const isOpen = this.isOpen(lane);
      (isOpen ? this.open_ : this.shut).delete(lane.key);
      (isOpen ? this.shut : this.open_).add(lane.key);
      this.draw();
      return;
    }
    const kind = y < RULER || event.shiftKey ? "select" : "pan";
    this.drag = { kind, x, y, from: this.from, to: this.to, scroll: this.scroll, time: scale.time(x), hasMoved: false };
    this.lanes.setPointerCapture(event.pointerId);
  }

  private move({ x, y }: { x: number; y: number }): void {
    const { drag, scale } = this;
    if (!drag) {
      this.lanes.style.cursor = y < RULER ? "col-resize" : x < scale.left ? "pointer" : "default";
      if (this.card) return;
      this.moment = x >= scale.left ? scale.time(x) : null;
      this.draw();
      return;
    }
    if (Math.abs(x - drag.x) + Math.abs(y - drag.y) > 4) drag.hasMoved = true;
    if (!drag.hasMoved) return;
    if (drag.kind === "select") {
      const time = Math.min(scale.time(x), this.now);
      this.selection = { from: Math.min(drag.time, time), to: Math.max(drag.time, time) };
    } else {
      this.lanes.classList.add("grab");
      const span = drag.to - drag.from, by = ((x - drag.x) / (this.lanes.clientWidth - scale.left)) * span;
      this.from = Math.min(this.now + span * 0.02 - span, drag.from - by);
      this.to = this.from + span;
      this.scroll = Math.max(0, Math.min(this.most, drag.scroll - (y - drag.y)));
    }
    this.draw();
  }

  private release({ x, y }: { x: number; y: number }): void {
    const { drag } = this;
    this.lanes.classList.remove("grab");
    this.drag = null;
    if (!drag) return;
    if (!drag.hasMoved) this.showCard(x, y);
    else if (drag.kind === "select") void this.showList();
    else this.show(this.from, this.to);
  }

  private pressKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest(".pop")) return;
    const span = this.to - this.from;
    const pan = (share: number) => this.show(this.from + span * share, this.to + span * share);
    const keys: Record<string, () => void> = {
      ArrowLeft: () => pan(-0.15), ArrowRight: () => pan(0.15), ArrowUp: () => this.scrollTo(this.scroll - 40), ArrowDown: () => this.scrollTo(this.scroll + 40),
      "+": () => this.zoom(1 / 1.5), "=": () => this.zoom(1 / 1.5), "-": () => this.zoom(1.5),
      Home: () => this.show(this.now - this.range, this.now - this.range + span), End: () => this.show(this.now - span, this.now), n: () => this.show(this.now - span, this.now),
      Enter: () => {
        this.selection = { from: this.from, to: Math.min(this.now, this.to) };
        void this.showList();
      },
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  private gripAt(x: number): Grip {
    const whole = this.wholeScale, from = whole.x(this.from), to = Math.min(whole.width, whole.x(this.to)), time = whole.time(x);
    const isWhole = this.to - this.from > this.range * 0.97;
    if (!isWhole && Math.abs(x - from) < 9) return { kind: "from", time };
    if (!isWhole && Math.abs(x - to) < 9) return { kind: "to", time };
    if (!isWhole && x > from && x < to) return { kind: "move", time: time - this.from };
    return { kind: "new", time };
  }

  private moveGrip(x: number): void {
    const { grip } = this, whole = this.wholeScale;
    if (!grip) {
      const edge = Math.min(Math.abs(x - whole.x(this.from)), Math.abs(x - whole.x(this.to)));
      this.overview.style.cursor = edge < 9 ? "col-resize" : "default";
      return;
    }
    const time = Math.max(whole.from, Math.min(this.now, whole.time(x))), span = this.to - this.from;
    if (grip.kind === "from") this.show(Math.min(time, this.to - MINUTE), this.to);
    else if (grip.kind === "to") this.show(this.from, Math.max(time, this.from + MINUTE));
    else if (grip.kind === "move") this.show(time - grip.time, time - grip.time + span);
    else if (Math.abs(time - grip.time) > this.range / 288) this.show(Math.min(time, grip.time), Math.max(time, grip.time));
  }

  // --- a moment

  /** Show the last time that the host's clock showed this, and who was there. */
  private goTo(text: string): void {
    const [, hours, minutes, seconds = "0"] = /^\s*(\d{1,2}):(\d\d)(?::(\d\d))?\s*$/.exec(text) ?? [];
    const isTime = Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60;
    this.search.setAttribute("aria-invalid", String(!isTime));
    if (!isTime) return;
    const { now } = this, { ahead } = state.clock, midnight = Math.floor((now + ahead) / DAY) * DAY - ahead;
    const today = midnight + Number(hours) * HOUR + Number(minutes) * MINUTE + Number(seconds) * 1000;
    const time = today > now ? today - DAY : today;
    if (time < this.from || time > this.to) this.show(time - (this.to - this.from) / 2, time + (this.to - this.from) / 2);
    this.closeCard();
    this.moment = time;
    this.draw();
    this.showCardOf(undefined, time, this.scale.x(time), RULER + 16);
  }

  private card: HTMLElement | null = null;

  private closeCard(): void {
    this.card?.remove();
    this.card = null;
  }

  private showCard(x: number, y: number): void {
    const scale = this.scale, time = scale.time(x);
    if (time > this.now || x < scale.left) return;
    const hit = this.hits.findLast((one) => x >= one.x - 2 && x <= one.x + one.width + 2 && y >= one.y - 1 && y <= one.y + one.height + 1);
    this.moment = hit ? within(hit.target, time, this.now) : time;
    this.draw();
    this.showCardOf(hit?.target, this.moment, x, y);
  }

  /** Show the newest login of a lane, at its beginning or that of the span. */
  private showLogin(lane: Lane, y: number): void {
    const login = lane.logins.filter((one) => one.start < this.to && !one.endsBefore(this.from)).at(-1);
    if (!login) return;
    const time = Math.max(login.start, this.from);
    this.moment = time;
    this.draw();
    this.showCardOf({ login }, time, this.scale.x(time), y);
  }

  private showCardOf(target: Hit["target"] | undefined, time: number, x: number, y: number): void {
    const wall = state.clock.wall(time), row = target && "row" in target ? target.row : null;
    const selected = row ? `&sel=${row.wire.pid}` : target && "login" in target ? `&sel=s${target.login.id}` : "";
    const tree = h("a", { class: "btn p", href: `#live?at=${new Date(time).toISOString()}${selected}` }, icon("live"), `Tree as of ${second(wall)}`);
    const body = target ? wordsOf(target, this.source) : [h("h2", {}, `${second(wall)} ${state.clock.day(wall)}`), this.presentAt(time)];
    const list = (login: Login, asRoot: boolean, words: string) => h("button", { class: "btn", type: "button", onclick: () => this.listLogin(login, asRoot) }, icon("menu"), words);
    const ran = target && "login" in target
      ? [list(target.login, false, `What ${target.login.user} ran`), target.login.bins.some((bin) => bin.as_root) ? list(target.login, true, "As root") : null]
      : null;
    const card = h("div", { class: "pop", role: "dialog", "aria-label": "Moment" }, body, h("div", { class: "acts" }, tree, ran));
    card.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.closeCard();
      this.lanes.focus({ preventScroll: true });
    });
    this.lanes.append(card);
    card.style.left = `${Math.max(8, Math.min(this.lanes.clientWidth - card.offsetWidth - 8, x + 12))}px`;
    card.style.top = `${Math.max(32, Math.min(this.lanes.clientHeight - card.offsetHeight - 8, y + 12))}px`;
    this.card = card;
    tree.focus({ preventScroll: true });
  }

  /** Who was there at a moment. */
  private presentAt(time: number): Child {
    const logins = this.source?.logins.filter((login) => login.start <= time && !login.endsBefore(time)) ?? [];
    const isUnknown = this.keptSince !== null && time < this.keptSince;
    if (!logins.length) return h("p", {}, isUnknown ? "Not known: the history begins later." : "Nobody was there.");
    const rest = logins.length - MOST_NAMES;
    return [
      h("dl", { class: "kv" }, logins.slice(0, MOST_NAMES).map((login) => [
        h("dt", {}, h("b", { class: `who-n ${login.hue}` }, login.user)),
        h("dd", {}, login.words, login.from ? ` from ${login.from}` : "", login.out !== null && login.out <= time ? [" ", h("span", { class: "chip left" }, "logged out")] : ""),
      ])),
      rest > 0 ? h("p", {}, `and ${count(rest, "other logon session", "other logon sessions")}`) : null,
    ];
  }

  // --- a list

  /** List what a login ran, or what of it ran as root. */
  private listLogin(login: Login, asRoot: boolean): void {
    this.closeCard();
    this.selection = { from: login.start, to: Math.min(this.now, login.end ?? this.now) + 1 };
    void this.showList(login, asRoot);
  }

  private async showList(only: Login | null = null, asRoot = false): Promise<void> {
    const { selection, source } = this, turn = ++this.listing;
    this.draw();
    if (!selection || !source) return;
    const { from, to } = selection;
    const head = (words: Child, ...buttons: Child[]) =>
      h("header", {}, h("h2", {}, words), h("span", {}, `${second(state.clock.wall(from))} to ${second(state.clock.wall(to))}, ${duration(to - from)}`), h("span", { class: "grow" }), buttons,
        h("button", { class: "iconb", type: "button", "aria-label": "Close the list", onclick: () => this.closeList() }, icon("x")));
    this.list.hidden = false;
    if (sumOf(source, only ? [only] : source.logins, from, to, (bin) => bin.started) > MOST_NAMED) return replace(this.list, head("Too many processes to list; select a shorter span"));
    replace(this.list, head("Reading …"));
    let rows: PastRow[];
    try {
      rows = await readProcesses(source, from, to, undefined, only);
    } catch (error) {
      if (error instanceof ApiError || error instanceof LostError) return replace(this.list, head(error instanceof ApiError ? clean(error.reason) : "The server cannot be reached"));
      throw error;
    }
    if (turn !== this.listing) return;
    rows = rows.filter((row) => row.start >= from && row.start <= to && (!asRoot || row.isGained));
    replace(
      this.list,
      head(
        [count(rows.length, "process started", "processes started"), asRoot ? " as root" : "", only ? ` in ${only.user}’s logon ${only.id}` : ""],
        h("button", { class: "btn", type: "button", onclick: () => this.show(from, to) }, "Zoom to it"),
        h("button", { class: "btn", type: "button", onclick: () => saveRows(rows) }, icon("dl"), "CSV"),
      ),
      h("div", { class: "tw", tabindex: 0, role: "region", "aria-label": "Processes" }, tableOf(rows.slice(0, MOST_LISTED)), rows.length > MOST_LISTED ? h("p", { class: "more" }, `These are the first ${MOST_LISTED}; the file has all.`) : null),
    );
    this.draw();
  }

  private closeList(): void {
    this.listing++;
    this.selection = null;
    this.list.hidden = true;
    this.draw();
    this.lanes.focus({ preventScroll: true });
  }

  /** Close what is open; return whether something was. */
  close(): boolean {
    if (this.card) return this.closeCard(), this.lanes.focus({ preventScroll: true }), true;
    if (this.list.hidden) return false;
    this.closeList();
    return true;
  }
}

/** The moment of a mark that is nearest to a time, at a whole second where it was there then. */
function within(target: Hit["target"], time: number, now: number): number {
  const [first, last] =
    "refusals" in target ? [target.refusals[0]!.time, target.refusals[0]!.time]
      : "row" in target ? [target.row.start, target.row.end ?? now]
        : [target.login.start, target.login.end ?? now];
  const moment = Math.max(first, Math.min(last, time)), whole = Math.floor(moment / 1000) * 1000;
  return whole >= first ? whole : moment;
}

function sumOf(span: LoginSpan, logins: readonly Login[], from: number, to: number, value: (bin: Login["bins"][number]) => number): number {
  let sum = 0;
  for (const login of logins)
    for (const bin of login.bins) {
      const time = span.since + bin.number * span.step;
      if (time >= from - span.step && time < to) sum += value(bin);
    }
  return sum;
}

const startedIn = (span: LoginSpan, from: number, to: number): number => sumOf(span, span.logins, from, to, (bin) => bin.started);

async function readKeptSince(signal: AbortSignal): Promise<number | null> {
  try {
    const checks = await allRows<{ subject: string; figures?: Record<string, number> | null }>("doctor", {}, false, signal);
    const since = checks.find((check) => check.subject === "history")?.figures?.since_seconds;
    return since === undefined ? null : since * 1000;
  } catch (error) {
    if (error instanceof ApiError && error.status !== 401) return null;
    throw error;
  }
}

function wordsOf(target: Hit["target"], source: LoginSpan | null): Child {
  const day = (time: number) => second(state.clock.wall(time));
  if ("row" in target) {
    const { row } = target, login = row.login!;
    return [
      h("h2", {}, row.name, row.user === login.user ? "" : ` as ${row.user}`),
      h("div", { class: "mono" }, row.text),
      h("p", {}, `${login.user}, logon ${login.id}. ${day(row.start)}`,
        row.end === null ? [", still running", login.out !== null ? [" ", h("span", { class: "chip left" }, "left over")] : ""]
          : [` to ${day(row.end)}, ${duration(row.end - row.start)}. `, row.failure ? h("span", { class: "chip fail" }, row.failure) : ""]),
    ];
  }
  if ("refusals" in target) return wordsOfRefusals(target.refusals, source);
  const { login } = target;
  const until = login.out === null ? "now" : day(login.out);
  return [
    h("h2", {}, "failures" in target ? `${count(target.failures, "process", "processes")} failed` : `${login.user}, ${login.words}${target.asRoot ? ", as root" : ""}`),
    h("p", {}, `${"failures" in target ? `In ${login.user}’s logon` : "Logon"} ${login.id}${login.from ? ` from ${login.from}` : ""}, ${day(login.start)} ${state.clock.day(state.clock.wall(login.start))} to ${until}.`),
    "asRoot" in target && source ? h("p", {}, rootTimeOf(login, source)) : null,
  ];
}

/** When a login ran something as root, as exactly as the numbers are that were read. */
function rootTimeOf(login: Login, source: LoginSpan): string {
  const numbers = (source.byRecord.get(login.record)?.bins ?? []).filter((bin) => bin.as_root).map((bin) => bin.number);
  if (!numbers.length) return "";
  const time = (number: number) => second(state.clock.wall(source.since + number * source.step));
  return `As root between ${time(numbers[0]!)} and ${time(numbers.at(-1)! + 1)}.`;
}

/** The login in which a user tried to become another one; "": not known, or it is one of several. */
function loginOf(refusal: Refusal, source: LoginSpan | null): string {
  if (!refusal.by || !source) return "";
  const logins = source.logins.filter((one) => one.user === refusal.by && one.start <= refusal.time && !one.endsBefore(refusal.time));
  const [login] = logins;
  return logins.length === 1 && login ? `logon ${login.id}${login.from ? ` from ${login.from}` : ""}` : "";
}

/** Failed logins that are one mark: how many of which name, where from and why. */
function wordsOfRefusals(refusals: readonly Refusal[], source: LoginSpan | null): Child {
  const first = refusals[0]!, last = refusals.at(-1)!, time = (one: Refusal) => second(state.clock.wall(one.time));
  const all = attemptsOf(refusals);
  const list = (value: (one: Refusal) => string, between = ", ") => {
    const numbers = new Map<string, number>();
    for (const one of refusals) if (value(one)) numbers.set(value(one), (numbers.get(value(one)) ?? 0) + one.attempts);
    const ordered = [...numbers].sort((a, b) => b[1] - a[1]), rest = ordered.length - MOST_NAMES;
    // A number where the value is not that of all attempts.
    const words = ordered.slice(0, MOST_NAMES).map(([name, number]) => (number < all ? `${name} (${number})` : name));
    return words.join(between) + (rest > 0 ? ` and ${rest} more` : "");
  };
  const row = (name: string, text: string): Child => (text ? [h("dt", {}, name), h("dd", {}, text)] : null);
  return [
    h("h2", {}, countsOf(refusals).map(([number, noun]) => `${number.toLocaleString("en")} ${noun}`).join(" and "), " failed"),
    h("p", {}, time(first), first === last ? "" : ` to ${time(last)}`, ` ${state.clock.day(state.clock.wall(first.time))}`),
    h("dl", { class: "kv" },
      row("By", list((one) => one.by)), row("In", list((one) => loginOf(one, source))), row("From", list((one) => one.from)),
      row("Tried to be", list((one) => `${one.user}, ${one.reason}`, "; ")), row("With", list((one) => one.service)),
    ),
  ];
}

const MOST_NAMES = 5;
const COLUMNS = ["Started", "Logged in as", "Ran as", "Command", "For", "Exit"];

function tableOf(rows: readonly PastRow[]): HTMLElement {
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, rows.map((row) => {
      const login = row.login!;
      return h(
        "tr",
        {},
        h("td", {}, second(state.clock.wall(row.start))),
        h("td", {}, h("span", { class: `ud ${login.hue}` }), login.user),
        h("td", {}, row.user === login.user ? row.user : [h("span", { class: `ud q ${row.hue}` }), row.user]),
        h("td", { class: "mono", title: row.text }, row.text),
        h("td", {}, row.end === null ? "runs" : duration(row.end - row.start)),
        h("td", {}, row.failure ? h("span", { class: "chip fail" }, row.failure) : row.end === null ? (login.out === null ? "" : h("span", { class: "chip left" }, "left over")) : "0"),
      );
    })),
  );
}

function saveRows(rows: readonly PastRow[]): void {
  const names = ["start", "end", "logon_id", "login_user", "user", "pid", "name", "command_line", "exit_code", "signal"];
  save("CSV", names, rows.map((row) => ({ class: "processes", path: null, properties: { ...row.wire, logon_id: row.login!.id, login_user: row.login!.user } })));
}

function legend(): HTMLElement {
  const key = (words: string, ...shapes: SVGElement[]) => h("span", {}, svg("svg", { viewBox: "0 0 26 12" }, ...shapes), words);
  const path = (d: string, stroke: string, width: number) => svg("path", { d, stroke, "stroke-width": width, fill: "none" });
  return h(
    "div",
    { class: "key", "aria-hidden": "true" },
    key("logged in", svg("circle", { cx: 4, cy: 6, r: 4, fill: "var(--u1)" }), path("M4 6h20", "var(--u1)", 4)),
    key("logged out", path("M0 6h13", "var(--u1)", 4), path("M14 0v12", "var(--ink)", 2)),
    key("left over", ...[0, 1, 2, 3, 4].map((i) => path(`M${i * 5} 11l5 -10`, "var(--u2)", 2))),
    key("as root", svg("rect", { width: 24, height: 8, y: 2, rx: 2, fill: "var(--root)" })),
    key("failed", path("M8 2l8 8M16 2l-8 8", "var(--fail)", 2.2)),
  );
}
