/** Logins of the past with how much they ran, from the operation `timeline`, and their processes. */

import { askRows, Slices } from "./api";
import { clean, hueOfUser } from "./dom";
import { HOW, Session, type How, type WireSession } from "./model";

interface WireBin {
  number: number;
  running: number;
  started: number;
  as_root: number;
  failed: number;
}

interface WireLogin {
  record: string;
  logon_id: string;
  user: string | null;
  uid: number | null;
  logon_type: number | null;
  start: string | null;
  logout: string | null;
  end: string | null;
  end_is_approximate: boolean;
  service: string | null;
  tty: string | null;
  remote_host: string | null;
  remote_address: string | null;
  authentication_method: string | null;
  bins: WireBin[];
}

export interface PastProcess {
  record: string;
  parent_record: string | null;
  logon_record: string | null;
  pid: number;
  name: string | null;
  command_line: string | null;
  user: string | null;
  uid: number | null;
  start: string | null;
  end: string | null;
  exit_code: number | null;
  signal: number | null;
}

const FIRST_MANAGER = 2n ** 33n, LAST_MANAGER = 2n ** 33n + 2n ** 32n;
const moment = (text: string | null): number | null => (text === null ? null : Date.parse(text));

/** A login. Times in milliseconds; `end` null: it exists; `out` null: it is not logged out. */
export class Login {
  readonly record: string;
  readonly id: string;
  readonly user: string;
  readonly hue: string;
  readonly how: How;
  readonly from: string | null;
  readonly start: number;
  readonly out: number | null;
  readonly end: number | null;
  readonly bins: readonly WireBin[];

  constructor(wire: WireLogin) {
    this.record = wire.record;
    this.id = wire.logon_id;
    const session = new Session({ ...wire, login_class: null, state: null } as unknown as WireSession);
    session.authentication = session.wire;
    session.paint();
    this.user = clean(session.user);
    this.how = isManager(wire.logon_id) ? "manager" : session.how;
    session.how = this.how;
    this.hue = session.hue;
    this.from = session.from === null ? null : clean(session.from);
    this.end = moment(wire.end);
    this.start = moment(wire.start) ?? this.end ?? 0;
    this.out = moment(wire.logout) ?? this.end;
    this.bins = wire.bins;
  }

  get words(): string {
    return HOW[this.how][0];
  }
  endsBefore(time: number): boolean {
    return this.end !== null && this.end < time;
  }
}

function isManager(id: string): boolean {
  const number = BigInt(id);
  return number >= FIRST_MANAGER && number < LAST_MANAGER;
}

/** Logins of a span, and what they ran by steps. */
export class LoginSpan {
  readonly logins: Login[] = [];
  readonly byRecord = new Map<string, Login>();
  /** When the first of its logins began. */
  first = Infinity;

  constructor(readonly since: number, readonly until: number, readonly step: number) {}

  add(login: Login): void {
    this.logins.push(login);
    this.byRecord.set(login.record, login);
    this.first = Math.min(this.first, login.start);
  }

  covers(from: number, to: number): boolean {
    return this.since <= from && this.until >= to;
  }
}

const iso = (time: number): string => new Date(time).toISOString();

export async function readSpan(since: number, until: number, step: number, signal?: AbortSignal): Promise<LoginSpan> {
  const span = new LoginSpan(Math.floor(since), Math.ceil(until), Math.ceil(step));
  const slices = new Slices();
  const waiting: WireLogin[] = [];
  const body = { since: iso(span.since), until: iso(span.until), resolution: span.step / 1000 };
  await askRows<WireLogin>("timeline", body, (row) => waiting.push(row), signal ? { signal } : {});
  for (const wire of waiting) {
    const login = new Login(wire);
    if (login.how !== "manager") span.add(login);
    if (slices.isOver) await slices.next();
  }
  return span;
}

/** A process of the past, with the colour that the tree gives it. */
export class PastRow {
  readonly start: number;
  readonly end: number | null;
  readonly name: string;
  hue = "c-system";
  isGained = false;

  constructor(readonly wire: PastProcess, readonly login: Login | null) {
    this.start = moment(wire.start) ?? 0;
    this.end = moment(wire.end);
    this.name = clean(wire.name ?? ((wire.command_line ?? "").split(" ")[0] || String(wire.pid)));
  }

  get user(): string {
    return clean(this.wire.user ?? (this.wire.uid === null ? "not known" : `uid ${this.wire.uid}`));
  }
  get text(): string {
    return clean(this.wire.command_line ?? this.wire.name ?? "not known");
  }
  /** How it ended: "" if well, or if it runs. */
  get failure(): string {
    const { exit_code: code, signal } = this.wire;
    return signal !== null ? `signal ${signal}` : code ? `code ${code}` : "";
  }
}

/** The processes of the logins of a span that existed in a part of it; `only`: of one login. */
export async function readProcesses(span: LoginSpan, since: number, until: number, signal?: AbortSignal, only: Login | null = null): Promise<PastRow[]> {
  const rows = new Map<string, PastRow>();
  const where = { since: iso(since), until: iso(until), ...(only ? { word: only.id } : {}) };
  await askRows<PastProcess>("past_processes", { where }, (wire) => {
    const login = span.byRecord.get(wire.logon_record ?? "");
    // A LogonId comes again after a boot, and may be a pid, too.
    if (login && (!only || login.record === only.record)) rows.set(wire.record, new PastRow(wire, login));
  }, signal ? { signal } : {});
  for (const row of rows.values()) paint(row, rows.get(row.wire.parent_record ?? ""));
  return [...rows.values()];
}

/** Root that a login service runs as is grey; root that somebody gained is amber. Parents come first. */
function paint(row: PastRow, parent: PastRow | undefined): void {
  const { wire, login } = row;
  const hasParent = parent !== undefined && parent.login === login;
  if (login?.hue === "c-root") row.hue = wire.uid === 0 ? "c-root" : hueOfUser(wire.user);
  else if (wire.uid !== 0) row.hue = wire.user === null ? "c-system" : hueOfUser(wire.user);
  else if (hasParent && (parent.wire.uid !== 0 || parent.isGained)) {
    row.isGained = true;
    row.hue = "c-root";
  }
}
