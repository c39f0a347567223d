/** The rows of the tree: which logon sessions and processes are shown, in which order, and with which guides. */

import type { Process, Session } from "./model";
import { type Mark, state } from "./state";

/** A row. Its id is that of its element; `target` is what the address and the details call it. */
export class Item {
  depth = 0;
  up: Item | null = null;
  hasNext = false;
  hasChildren = false;
  isDim = false;
  isFirst = false;
  count = 0;
  readonly id: string;
  readonly target: string;

  constructor(readonly session: Session, public process: Process | null) {
    this.id = process ? `p${process.pid}-${process.wire.start?.replace(/\W/g, "") ?? ""}` : `s${session.id}`;
    this.target = process ? String(process.pid) : `s${session.id}`;
  }

  get foldKey(): string {
    return this.process ? `p${this.process.key}` : this.session.id;
  }
  get canFold(): boolean {
    return this.process === null || this.process.children.length > 0;
  }
  get isFolded(): boolean {
    return state.folded.has(this.foldKey);
  }
  /** The guides left of a process, a level each: the colour, whether a sibling follows, whether it is left over. */
  get guides(): [hue: string, goesOn: boolean, isLeft: boolean][] {
    const guides: [string, boolean, boolean][] = [];
    for (let item: Item = this; item.process && item.up; item = item.up) {
      const up = item.up;
      const [hue, isLeft] = up.process ? [up.process.hue, up.process.isLeftover] : [up.session.hue, up.session.isOut];
      guides.unshift([hue, item.hasNext, isLeft]);
    }
    return guides;
  }
  /** What the row shows: it is drawn again where this has changed. */
  get appearance(): string {
    const process = this.process;
    if (!process) {
      const { session } = this;
      return `${session.wire?.state}|${session.how}|${this.count}|${this.isFolded}|${this.isFirst}|${isFiltering()}|${session.wire?.start}`;
    }
    return [
      process.user, process.commandLine, process.hue, process.via, process.isChange, process.ports.join(), process.isNew, process.hasEnded,
      process.isLeftover, this.isDim, this.hasChildren, this.isFolded, state.search, this.guides.join("|"),
    ].join("|");
  }
}

export const MARKS: Record<Mark, [label: string, test: (process: Process) => boolean]> = {
  left: ["Left over", (process) => process.isLeftover],
  changed: ["Changed user", (process) => process.isChange],
  root: ["Became root", (process) => process.hasGainedRoot],
  port: ["Listening", (process) => process.ports.length > 0],
  container: ["In a container", (process) => process.wire.container_id !== null],
};

export const isFiltering = (): boolean => state.search.trim() !== "" || state.mark !== null;

export const words = (): string[] => state.search.trim().toLowerCase().split(/\s+/).filter(Boolean);

function matches(process: Process, wanted: readonly string[]): boolean {
  return wanted.every((word) => {
    const [, name, value] = /^(user|port|from|key|pid):(.+)$/.exec(word) ?? (/^:\d+$/.test(word) ? ["", "port", word.slice(1)] : []);
    const session = process.session;
    switch (name) {
      case undefined:
        return process.haystack.includes(word) || session.haystack.includes(word);
      case "user":
        return process.user.toLowerCase() === value || session.user.toLowerCase() === value;
      case "port":
        return process.ports.includes(Number(value)) || String(session.wire?.remote_port ?? session.authentication?.remote_port) === value;
      case "from":
        return (session.from ?? "").toLowerCase().startsWith(value!);
      case "key":
        return (session.authentication?.key_fingerprint ?? "").toLowerCase().includes(value!);
      default:
        return String(process.pid) === value;
    }
  });
}

export interface Rows {
  items: Item[];
  processes: number;
  sessions: number;
}

/** The rows that are shown now. A search looks into folded logon sessions, too, and keeps ancestors. */
export function visibleRows(): Rows {
  const wanted = words();
  const test = state.mark ? MARKS[state.mark][1] : null;
  const isFiltered = isFiltering();
  const rows: Rows = { items: [], processes: 0, sessions: 0 };
  for (const session of state.model?.sessions ?? []) {
    if (state.user !== null && session.user !== state.user) continue;
    let kept: Map<Process, boolean> | null = null;
    let count = 0;
    if (isFiltered) {
      kept = new Map();
      for (const process of session.processes) {
        if (!matches(process, wanted) || (test && !test(process))) continue;
        if (!process.hasEnded) count++;
        for (let one: Process | null = process; one && !kept.has(one); one = one.parent) kept.set(one, false);
        kept.set(process, true);
      }
      if (!kept.size) continue;
    } else for (const process of session.processes) if (!process.hasEnded) count++;
    const head = (session.item ??= new Item(session, null));
    head.count = session.processes.reduce((sum, process) => sum + (process.hasEnded ? 0 : 1), 0);
    head.isFirst = rows.items.length === 0;
    rows.items.push(head);
    rows.sessions++;
    rows.processes += count;
    if (isFiltered || !state.folded.has(session.id)) addRows(rows.items, session.roots, head, 0, kept);
  }
  return rows;
}

function addRows(items: Item[], processes: readonly Process[], up: Item, depth: number, kept: Map<Process, boolean> | null): void {
  let last: Item | null = null;
  for (const process of processes) {
    if (kept && !kept.has(process)) continue;
    const item = (process.item ??= new Item(process.session, process));
    if (last) last.hasNext = true;
    last = item;
    item.hasNext = false;
    item.up = up;
    item.depth = depth;
    item.isDim = kept !== null && !kept.get(process);
    items.push(item);
    const before = items.length;
    if (process.children.length && (kept || !item.isFolded)) addRows(items, process.children, item, depth + 1, kept);
    item.hasChildren = items.length > before;
  }
}

export const descendants = (process: Process): number =>
  process.children.reduce((sum, child) => sum + 1 + descendants(child), 0);

