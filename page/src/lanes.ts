/** Lanes of the timeline: which logins share one, and how they are drawn. */

import type { Brush, Colours } from "./chart";
import type { Login, LoginSpan, PastRow } from "./logins";
import { attemptsOf, countsOf, type Refusal, type RefusalSpan } from "./refusals";
import { state } from "./state";
import { DAY, HOUR, MINUTE } from "./times";

export const RULER = 28, LABELS = 206;
/** Above this span a lane shows density, below it the processes by name. */
export const NAMED_SPAN = 3 * HOUR;
/** Above this span, logins that are over share a lane with others of their user, their kind and their origin. */
const FOLDED_SPAN = 36 * HOUR;
const MOST_ROWS = 14, NEAR = 9, NARROWEST = 2.5;

/** `asRoot`: what the login ran as root. */
export type Target = { login: Login; asRoot?: boolean } | { row: PastRow } | { failures: number; login: Login } | { refusals: readonly Refusal[] };
export interface Hit {
  x: number;
  y: number;
  width: number;
  height: number;
  target: Target;
}

export interface Lane {
  key: string;
  logins: Login[];
  y: number;
  height: number;
}

/** Which span is shown, where. */
export class Scale {
  constructor(readonly from: number, readonly to: number, readonly left: number, readonly width: number) {}

  x(time: number): number {
    return this.left + ((time - this.from) / (this.to - this.from)) * (this.width - this.left);
  }
  time(x: number): number {
    return this.from + ((x - this.left) / (this.width - this.left)) * (this.to - this.from);
  }
  get span(): number {
    return this.to - this.from;
  }
}

export function makeLanes(logins: readonly Login[], span: number): Lane[] {
  const lanes: Lane[] = [], shared = new Map<string, Lane>();
  const ordered = [...logins].sort((a, b) => Number(a.out !== null && a.end !== null) - Number(b.out !== null && b.end !== null) || b.start - a.start);
  for (const login of ordered) {
    const isShared = login.how === "cron" || (span > FOLDED_SPAN && login.end !== null);
    const key = isShared ? `${login.user} ${login.how} ${login.how === "cron" ? "" : login.from}` : login.record;
    const known = isShared ? shared.get(key) : undefined;
    if (known) known.logins.push(login);
    else {
      const lane: Lane = { key, logins: [login], y: 0, height: 0 };
      if (isShared) shared.set(key, lane);
      lanes.push(lane);
    }
  }
  for (const lane of shared.values()) lane.logins.sort((a, b) => a.start - b.start);
  return lanes;
}

/** Marks on the ruler, at round times of the host's own clock. */
export function ticks(scale: Scale): { times: number[]; step: number } {
  const steps = [1000, 5000, 15_000, 30_000, MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 10 * DAY, 30 * DAY, 100 * DAY];
  const step = steps.find((one) => scale.span / one < (scale.width - scale.left) / 76) ?? 100 * DAY;
  const times: number[] = [], { ahead } = state.clock;
  for (let time = Math.ceil((scale.from + ahead) / step) * step - ahead; time <= scale.to; time += step) times.push(time);
  return { times, step };
}

export function tickText(time: number, step: number): string {
  const wall = state.clock.wall(time);
  if (wall.slice(11, 19) === "00:00:00" || step >= DAY) return state.clock.day(wall);
  return step < MINUTE ? wall.slice(11, 19) : wall.slice(11, 16);
}

export interface LaneData {
  lanes: readonly Lane[];
  /** The finest numbers that are there for what is shown. */
  spans: readonly LoginSpan[];
  /** Processes by the record of their login; null: only numbers are there. */
  rows: ReadonlyMap<string, readonly PastRow[]> | null;
  open: ReadonlySet<string>;
  shut: ReadonlySet<string>;
  scroll: number;
  /** Failed logins of what is shown. */
  refusals: readonly Refusal[];
}

/** Draws the lanes, and remembers what is where. */
export class LanePainter {
  readonly hits: Hit[] = [];
  private readonly surface: string;
  private readonly ink: string;
  private readonly faint: string;
  private readonly now = state.clock.now;

  constructor(private readonly brush: Brush, private readonly scale: Scale, private readonly data: LaneData) {
    const { colours } = brush;
    this.surface = colours.get("--surface");
    this.ink = colours.get("--ink");
    this.faint = colours.get("--ink3");
  }

  private get colours(): Colours {
    return this.brush.colours;
  }

  /** Draw all lanes; return the height that they need. */
  draw(): number {
    const { brush, scale, data } = this;
    let y = RULER + 6 - data.scroll, outside = 0;
    brush.clipped(0, RULER, brush.width, brush.height - RULER, () => {
      if (data.refusals.length) y = this.drawRefusals(y);
      for (const lane of data.lanes) {
        lane.y = y;
        const shown = lane.logins.filter((login) => login.start < scale.to && !login.endsBefore(scale.from));
        if (!shown.length) {
          outside += lane.logins.length;
          lane.height = 0;
          continue;
        }
        // A lane out of sight keeps its height: it is neither laid out nor drawn.
        const isFar = y > brush.height || (lane.height > 0 && y + lane.height < -200);
        lane.height = isFar ? lane.height || 40 : this.drawLane(lane, shown, y);
        y += lane.height;
        if (!isFar) brush.line(this.colours.get("--line"), 0, Math.round(y) + 0.5, brush.width, Math.round(y) + 0.5);
      }
      if (outside) {
        brush.text(`${outside.toLocaleString("en")} ${outside === 1 ? "logon is" : "logons are"} outside this span`, scale.left ? 24 : 12, y + 18, this.faint, this.colours.sans(12));
        y += 36;
      }
    });
    return y + data.scroll;
  }

  /** The failed logins in a lane of their own; those that are close together are one mark. Return where it ends. */
  private drawRefusals(y: number): number {
    const { brush, scale, data, colours } = this, phone = scale.left ? 0 : 17, height = 40 + phone, middle = y + 10 + phone;
    for (let i = 0; i < data.refusals.length; ) {
      let j = i;
      while (j + 1 < data.refusals.length && scale.x(data.refusals[j + 1]!.time) - scale.x(data.refusals[j]!.time) < NEAR) j++;
      const group = data.refusals.slice(i, j + 1);
      this.drawCluster(scale.x(group[0]!.time), scale.x(group.at(-1)!.time), middle, attemptsOf(group), { refusals: group });
      i = j + 1;
    }
    const words = countsOf(data.refusals).map(([number, noun]) => `${number.toLocaleString("en")} ${noun.replace(/^attempts? /, "")}`).join(", ");
    if (scale.left) {
      brush.rectangle(this.surface, 0, y, scale.left - 4, height);
      brush.cross(30, y + 10, false);
      brush.text("Failed attempts", 44, y + 10, this.ink, colours.sans(13, 600), 120);
      brush.text(words, 44, y + 26, this.faint, colours.sans(12), scale.left - 52);
    } else {
      brush.cross(13, y + 11, false);
      brush.text(`Failed: ${words}`, 22, y + 11, this.ink, colours.sans(12, 600), 300);
    }
    brush.line(colours.get("--line"), 0, Math.round(y + height) + 0.5, brush.width, Math.round(y + height) + 0.5);
    return y + height;
  }

  isOpen(lane: Lane): boolean {
    const { data } = this;
    if (lane.logins.length > 1 || data.rows === null) return false;
    return data.open.has(lane.key) || (!data.shut.has(lane.key) && this.scale.span <= NAMED_SPAN);
  }

  private drawLane(lane: Lane, shown: readonly Login[], y: number): number {
    const phone = this.scale.left ? 0 : 17, isShared = lane.logins.length > 1;
    const rows = !isShared && this.isOpen(lane) ? placeRows(this.data.rows?.get(shown[0]!.record) ?? [], this.scale, this.now) : null;
    const height = (isShared ? 30 : rows ? Math.max(40, 30 + rows.used * 14 + (rows.left ? 14 : 0)) : 40) + phone;
    if (y + height < RULER || y > this.brush.height) return height;
    this.drawBars(shown, y + phone, isShared);
    if (rows) this.drawRows(rows, y + 20 + phone, shown[0]!);
    else if (!isShared) this.drawDensity(shown[0]!, y + 20 + phone);
    this.drawLabel(lane, shown, y, height);
    return height;
  }

  /** The logins themselves. Of those that are less than a pixel apart, one is drawn. */
  private drawBars(logins: readonly Login[], y: number, isShared: boolean): void {
    const { brush, scale } = this, left = scale.left;
    let last = -Infinity, lastDot = -Infinity;
    // The bars of a shared lane have one colour: they are filled at once.
    const bars = new Path2D();
    for (const login of logins) {
      const colour = this.colours.hue(login.hue), out = login.out ?? this.now;
      const start = scale.x(login.start), end = scale.x(Math.min(out, this.now));
      const from = Math.max(left - 3, start), to = Math.min(brush.width + 4, Math.max(end, start + NARROWEST));
      if (to < left - 4 || to <= last + 1) continue;
      last = to;
      if (isShared) {
        bars.rect(from, y + 7, to - from, 5);
        if (start >= left - 5 && start - lastDot > 3) {
          bars.moveTo(start, y + 9.5);
          bars.arc(start, y + 9.5, 4, 0, 7);
          lastDot = start;
        }
      } else {
        brush.rectangle(colour, from, y + 7, to - from, 5, 2);
        if (start >= left - 5) brush.dot(colour, start, y + 9.5, 4.6);
      }
      if (login.out !== null && !isShared && end <= brush.width) brush.rectangle(this.ink, end - 1, y + 2, 2, 15);
      this.hits.push({ x: from - 4, y: y + 2, width: Math.max(8, to - from + 8), height: 15, target: { login } });
    }
    if (isShared) {
      brush.context.fillStyle = this.colours.hue(logins[0]!.hue);
      brush.context.fill(bars);
    }
  }

  /** How much a login ran, what of it ran as root, and what failed. */
  private drawDensity(login: Login, y: number): void {
    const found = finest(this.data.spans, login, this.scale);
    if (!found) return;
    const { brush, scale } = this, { span, bins } = found, colour = this.colours.hue(login.hue);
    let least = Infinity, most = 0;
    for (const bin of bins) {
      least = Math.min(least, bin.running);
      most = Math.max(most, bin.running);
    }
    const failures: [x: number, count: number][] = [], strips: Strip[] = [], root: Strip[] = [];
    for (const bin of bins) {
      const time = span.since + bin.number * span.step;
      const from = Math.max(scale.left, scale.x(Math.max(time, login.start))), until = Math.min(time + span.step, login.end ?? this.now);
      const to = Math.min(brush.width, Math.max(scale.x(until), from + NARROWEST));
      if (to < scale.left || from > brush.width) continue;
      const isLeft = login.out !== null && time >= login.out;
      const share = most > least ? (bin.running - least) / (most - least) : 0;
      addStrip(strips, from, to, isLeft ? 0 : Math.max(0.22 + 0.68 * share, bin.started ? 0.42 : 0));
      if (bin.as_root) addStrip(root, from, to, 1);
      if (bin.failed) failures.push([Math.min(to, brush.width - 5), bin.failed]);
    }
    const first = strips[0], last = strips.at(-1);
    if (first && last) this.hits.push({ x: first.from - 4, y: y - 3, width: last.to - first.from + 8, height: 9, target: { login } });
    for (const { from, to, alpha } of strips)
      if (alpha) brush.rectangle(colour, from, y, to - from, 4, 0, alpha);
      else brush.hatched(colour, from, y, to - from, 5);
    for (const { from, to } of root) brush.rectangle(this.colours.get("--root"), from, y + 6, to - from, 4);
    this.drawFailures(failures, y + 2, login);
    // After those of failures, which reach into the amber.
    if (login.hue !== "c-root") for (const { from, to } of root) this.hits.push({ x: from - 2, y: y + 6, width: Math.max(6, to - from + 4), height: 8, target: { login, asRoot: true } });
  }

  /** Failures; those that are close together are one mark, with their number. */
  private drawFailures(failures: readonly [x: number, count: number][], y: number, login: Login): void {
    for (let i = 0; i < failures.length; ) {
      let j = i, count = failures[i]![1];
      while (j + 1 < failures.length && failures[j + 1]![0] - failures[j]![0] < NEAR) count += failures[++j]![1];
      this.drawCluster(failures[i]![0], failures[j]![0], y, count, { failures: count, login });
      i = j + 1;
    }
  }

  /** One mark for what failed from x to the end, with its number. */
  private drawCluster(x: number, end: number, y: number, count: number, target: Target): void {
    const { brush } = this;
    if (end - x > 3) brush.rectangle(this.colours.get("--fail"), x - 6, y - 6, end - x + 12, 12, 6, 0.16);
    brush.cross(x, y);
    if (count > 1) {
      const text = String(count), font = this.colours.sans(10, 600);
      brush.rectangle(this.surface, x + 5, y - 6, 6 * text.length + 4, 12, 3, 0.85);
      brush.text(text, x + 7, y, this.colours.get("--fail-ink"), font);
    }
    this.hits.push({ x: x - 6, y: y - 7, width: end - x + 14, height: 14, target });
  }

  /** The processes of a login, each as a bar with its name. */
  private drawRows(placed: PlacedRows, y: number, login: Login): void {
    const { brush, scale } = this;
    for (const { row, from, to, line } of placed.rows) {
      const x = Math.max(scale.left, from), end = Math.min(brush.width, to), top = y + line * 14;
      if (end < scale.left || x > brush.width) continue;
      const colour = this.colours.hue(row.hue), isRoot = row.hue === "c-root" && login.hue !== "c-root";
      brush.rectangle(this.surface, x, top, end - x, 11, 3);
      const out = login.out !== null && (row.end ?? this.now) > login.out + 1000 ? Math.max(x, Math.min(end, scale.x(login.out))) : end;
      if (out > x) brush.rectangle(colour, x, top, out - x, 11, 3, isRoot ? 1 : 0.42);
      if (out < end) brush.hatched(colour, out, top, end - out, 11);
      if (end - x > 46) this.drawName(row, x, top, Math.min(end - x, 300), isRoot && out === end, out - x);
      if (row.failure) brush.cross(Math.min(brush.width - 5, Math.max(scale.left + 4, to)), top + 5.5);
      this.hits.push({ x: x - 1, y: top - 1, width: Math.max(4, end - x + 2), height: 13, target: { row } });
    }
    if (placed.left)
      brush.text(`and ${placed.left} more here; zoom in`, Math.max(scale.left, scale.x(login.start)) + 5, y + placed.used * 14 + 7, this.faint, this.colours.sans(11));
  }

  private drawName(row: PastRow, x: number, y: number, width: number, isOnRoot: boolean, plain: number): void {
    const { brush } = this, font = this.colours.mono(10);
    brush.context.font = font;
    const length = Math.min(brush.context.measureText(row.name).width, width - 8);
    // On hatching a name is read on a ground of its own.
    if (plain < length + 10) brush.rectangle(this.surface, x + 3, y + 1, length + 5, 9, 2);
    brush.text(row.name, x + 5, y + 6, isOnRoot && plain >= length + 10 ? "#16110a" : this.ink, font, width - 8);
  }

  private drawLabel(lane: Lane, shown: readonly Login[], y: number, height: number): void {
    const { brush, scale, colours } = this, login = shown[shown.length - 1]!;
    const colour = colours.hue(login.hue), isShared = lane.logins.length > 1;
    const words = isShared ? `${login.words}, ${shown.length.toLocaleString("en")} logons` : login.words;
    const style = isShared || login.out === null ? "full" : login.end === null ? "dashed" : "ring";
    if (!scale.left) {
      brush.dot(colour, 13, y + 11, 4, style);
      const width = brush.text(login.user, 22, y + 11, this.ink, colours.sans(12, 600), 120);
      brush.text(words, 28 + width, y + 11, this.faint, colours.sans(12), 200);
      return;
    }
    brush.rectangle(this.surface, 0, y, scale.left - 4, height);
    brush.dot(colour, 30, y + 10, 4.5, style);
    const width = brush.text(login.user, 44, y + 10, this.ink, colours.sans(13, 600), 90);
    brush.text(words, 51 + width, y + 10, this.faint, colours.sans(12), scale.left - width - 58);
    const below = isShared ? login.how === "cron" ? "" : login.from ?? "" : [login.from, `logon ${login.id}`].filter(Boolean).join(", ");
    if (below && height > 34) brush.text(below, 44, y + 26, this.faint, colours.sans(12), scale.left - 52);
  }
}

/** A part of a lane that looks the same; alpha 0: hatched. */
interface Strip {
  from: number;
  to: number;
  alpha: number;
}

/** Add a part of a lane: where it goes on from the last one with the same look, both are one. */
function addStrip(strips: Strip[], from: number, to: number, alpha: number): void {
  const last = strips.at(-1);
  if (last && last.alpha === alpha && from <= last.to + 0.5) last.to = Math.max(to, last.to);
  else strips.push({ from, to, alpha });
}

interface PlacedRows {
  rows: { row: PastRow; from: number; to: number; line: number }[];
  used: number;
  left: number;
}

/** Put each process into the first line that is free. */
function placeRows(rows: readonly PastRow[], scale: Scale, now: number): PlacedRows {
  const placed: PlacedRows = { rows: [], used: 0, left: 0 }, ends: number[] = [];
  for (const row of rows) {
    if (row.start > scale.to || (row.end !== null && row.end < scale.from)) continue;
    const from = scale.x(row.start), to = Math.max(from + NARROWEST, scale.x(row.end ?? now));
    let line = ends.findIndex((end) => end <= from - 1.5);
    if (line < 0 && ends.length < MOST_ROWS) line = ends.length;
    if (line < 0) placed.left++;
    else {
      ends[line] = to;
      placed.rows.push({ row, from, to, line });
    }
  }
  placed.used = ends.length;
  return placed;
}

/** The numbers of a login from the finest span that has what is shown. */
function finest(spans: readonly LoginSpan[], login: Login, scale: Scale): { span: LoginSpan; bins: Login["bins"] } | null {
  const now = state.clock.now;
  for (const span of spans) {
    if (!span.covers(Math.max(scale.from, span.first), Math.min(scale.to, now - span.step))) continue;
    const bins = span.byRecord.get(login.record)?.bins;
    if (bins) return { span, bins };
  }
  return null;
}

interface Totals {
  count: number;
  /** Of each colour, how many processes ran, by steps. */
  totals: Map<string, Float64Array>;
  failed: Float64Array;
  most: number;
}

const knownTotals = new WeakMap<LoginSpan, Totals>();

function totalsOf(span: LoginSpan): Totals {
  const known = knownTotals.get(span);
  if (known) return known;
  const count = Math.ceil((span.until - span.since) / span.step);
  const totals = new Map<string, Float64Array>(), failed = new Float64Array(count);
  for (const login of span.logins) {
    let bins = totals.get(login.hue);
    if (!bins) totals.set(login.hue, (bins = new Float64Array(count)));
    for (const bin of login.bins) {
      bins[bin.number]! += bin.running;
      failed[bin.number]! += bin.failed;
    }
  }
  const sums = new Float64Array(count);
  for (const bins of totals.values()) bins.forEach((value, i) => (sums[i]! += value));
  const found = { count, totals, failed, most: Math.max(8, sums.reduce((a, b) => Math.max(a, b), 0)) };
  knownTotals.set(span, found);
  return found;
}

/** Draw how many processes ran in a span, by user, and where some failed. */
export function drawOverview(brush: Brush, span: LoginSpan | null, refusals: RefusalSpan | null, whole: Scale, shown: Scale, title: string, keptSince: number | null): void {
  const { colours, height, width } = brush, left = whole.left, base = height - 24;
  if (keptSince !== null && keptSince > whole.from) brush.hatched(colours.get("--line"), left, 0, whole.x(keptSince) - left, base + 4);
  if (span) {
    const { count, totals, failed, most } = totalsOf(span);
    const step = whole.x(span.since + span.step) - whole.x(span.since);
    const tops = new Float64Array(count).fill(base);
    for (const [hue, bins] of [...totals].sort()) {
      const colour = colours.hue(hue);
      bins.forEach((value, i) => {
        const tall = (value / most) * (height - 32), x = whole.x(span.since + i * span.step);
        if (tall < 0.1 || x + step < left) return;
        tops[i]! -= tall;
        brush.rectangle(colour, x, tops[i]!, Math.max(0.8, step - 0.6), tall);
      });
    }
    failed.forEach((value, i) => {
      const x = whole.x(span.since + i * span.step);
      if (value && x >= left) brush.rectangle(colours.get("--fail"), x, base + 4, Math.max(2, step - 0.6), 5);
    });
  }
  for (const { time } of refusals?.refusals ?? []) {
    const x = whole.x(time);
    if (x >= left) brush.rectangle(colours.get("--fail"), x, base + 4, 2, 5);
  }
  const { times, step } = ticks(whole);
  for (const time of times)
    if (whole.x(time) < width - 36) brush.text(tickText(time, step), whole.x(time) + 4, height - 7, colours.get("--ink3"), colours.sans(11));
  if (left) {
    brush.rectangle(colours.get("--surface"), 0, 0, left - 4, height);
    brush.text(title, 24, 16, colours.get("--ink2"), colours.sans(12, 550));
    brush.text("processes by user", 24, 33, colours.get("--ink3"), colours.sans(11));
    brush.text("failures", 24, 48, colours.get("--fail-ink"), colours.sans(11));
  }
  const from = Math.max(left, whole.x(shown.from)), to = Math.min(width, whole.x(shown.to));
  brush.rectangle(colours.get("--bg"), left, 0, Math.max(0, from - left), height, 0, 0.74);
  if (to < width) brush.rectangle(colours.get("--bg"), to, 0, width - to, height, 0, 0.74);
  if (to - from < width - left - 4) {
    brush.context.strokeStyle = colours.get("--ink");
    brush.context.lineWidth = 1.5;
    brush.context.strokeRect(from + 0.75, 0.75, Math.max(2, to - from - 1.5), height - 1.5);
  }
  for (const x of [from, to]) brush.rectangle(colours.get("--ink"), Math.min(width - 6, Math.max(left, x - 3)), height / 2 - 12, 6, 24, 3);
}
