/** What is so on the host: logon sessions with their processes, from one answer of the operation `tree`, and changes. */

import { askRows, Slices } from "./api";
import { clean, hueOfUser, type IconName } from "./dom";
import type { Item } from "./items";

export const SYSTEM = "4294967295";
/** The id of the group of processes whose logon session the user may not see. */
export const HIDDEN = "hidden";

export interface WireSession {
  logon_id: string;
  user: string | null;
  uid: number | null;
  logon_type: number | null;
  logon_type_name: string | null;
  authentication_package: string | null;
  start: string | null;
  start_is_approximate: boolean;
  state: string | null;
  seat: string | null;
  tty: string | null;
  remote_host: string | null;
  remote_address: string | null;
  remote_port: number | null;
  service: string | null;
  login_class: string | null;
  leader: number | null;
  scope: string | null;
  login: string | null;
  recorded_by: string | null;
  container_id: string | null;
  container_runtime: string | null;
  is_foreign: boolean;
  authentication_method: string | null;
  key_type: string | null;
  key_fingerprint: string | null;
  certificate_id: string | null;
  authentication_source: string | null;
  sources: Record<string, string>;
}

export interface WireProcess {
  logon_id: string | null;
  evidence: string;
  pid: number;
  ppid: number | null;
  name: string | null;
  user: string | null;
  uid: number | null;
  login_uid: number | null;
  start: string | null;
  tty: string | null;
  leftover: boolean | null;
  command_line: string | null;
  executable: string | null;
  unread: Record<string, string>;
  process_guid: string | null;
  container_id: string | null;
  container_runtime: string | null;
  pod_uid: string | null;
}

export type How = "key" | "password" | "ssh" | "net" | "console" | "desktop" | "cron" | "manager" | "su" | "none" | "other";
export const HOW: Record<How, [words: string, icon: IconName]> = {
  key: ["ssh key", "key"],
  password: ["ssh password", "lock"],
  ssh: ["ssh", "screen"],
  net: ["ssh, no terminal", "plug"],
  console: ["console", "screen"],
  desktop: ["desktop", "desktop"],
  cron: ["cron", "clock"],
  manager: ["user manager", "gear"],
  su: ["su from a service", "user"],
  none: ["no login", "gear"],
  other: ["login without a record", "user"],
};

const SWITCHERS = new Set(["sudo", "sudo-rs", "su", "su-rs", "runuser", "doas", "pkexec", "run0", "calife", "super"]);
const LOGIN_PROGRAMS = /^(sshd.*|login|cron|CRON|crond|atd|su|su-rs|systemd|xrdp-sesman|gdm-session-wor|sddm-helper|lightdm|dropbear|agetty|\(sd-pam\))$/;
const DESKTOPS = /^(xrdp|gdm|lightdm|sddm|kde|xdm|cosmic-greeter|greetd)/;
const SU = /^(su|su-l|runuser|runuser-l|sudo|sudo-i|systemd-run0)$/;

export class Process {
  readonly children: Process[] = [];
  parent: Process | null = null;
  session!: Session;
  /** Network ports that it listens on. */
  ports: number[] = [];
  hue = "c-system";
  /** The program by which it became another user than its parent; "" if it did not. */
  via = "";
  isNew = false;
  hasEnded = false;
  item: Item | null = null;
  readonly key: string;
  wire!: WireProcess;
  name!: string;
  rest!: string;
  base!: string;
  private text = "";

  constructor(wire: WireProcess) {
    this.key = keyOf(wire);
    this.read(wire);
  }

  /** Take the values of a row. */
  read(wire: WireProcess): void {
    this.wire = wire;
    this.text = "";
    const command = wire.command_line ?? "";
    const first = /^(\[.*\]|\(.*\)|[^\s:]+:(?=\s)|\S+)/.exec(command)?.[0] ?? "";
    const kernel = wire.name ?? `process ${wire.pid}`;
    this.name = clean(first || (this.isKernel ? `[${kernel}]` : kernel));
    this.rest = clean(first ? command.slice(first.length) : "");
    this.base = clean(wire.name ?? (first.replace(/^.*\//, "").replace(/:$/, "") || String(wire.pid)));
  }

  get pid(): number {
    return this.wire.pid;
  }
  get isKernel(): boolean {
    return !this.wire.command_line && (this.wire.pid === 2 || this.wire.ppid === 2);
  }
  get user(): string {
    return this.wire.user ?? (this.wire.uid === null ? "not known" : `uid ${this.wire.uid}`);
  }
  get isLeftover(): boolean {
    return this.wire.leftover === true;
  }
  /** Whether somebody became root by this process. A sudo that runs something as another user, or waits for a password, is none. */
  get hasGainedRoot(): boolean {
    if (!this.via || this.wire.uid !== 0) return false;
    return !SWITCHERS.has(this.wire.name ?? "") || this.children.some((child) => child.wire.uid === 0);
  }
  /** Whether it runs as another user than its parent, and somebody meant it: sudo itself is root for any user. */
  get isChange(): boolean {
    return this.via !== "" && (this.hasGainedRoot || this.wire.uid !== 0);
  }
  get container(): string | null {
    return this.wire.container_id?.slice(0, 12) ?? null;
  }
  get commandLine(): string {
    return clean(this.wire.command_line ?? this.wire.name ?? "");
  }
  /** The text that is searched, in small letters. */
  get haystack(): string {
    this.text ||= [this.pid, this.wire.command_line ?? this.wire.name, this.user, this.wire.container_id].join(" ").toLowerCase();
    return this.text;
  }
}

export class Session {
  readonly processes: Process[] = [];
  readonly roots: Process[] = [];
  item: Item | null = null;
  /** What sshd logged about the login; asked for separately, since it takes a search in the journal. */
  authentication: WireSession | null = null;
  how: How = "other";

  constructor(public wire: WireSession | null) {}

  get id(): string {
    return this.wire?.logon_id ?? HIDDEN;
  }
  get user(): string {
    if (this.id === SYSTEM) return "System";
    return this.wire ? this.wire.user ?? (this.wire.uid === null ? "not known" : `uid ${this.wire.uid}`) : "others";
  }
  get hue(): string {
    // Jobs and services of root are grey: only root that somebody gained is amber.
    const isJob = this.wire === null || this.how === "cron" || this.how === "manager";
    return this.user === "root" && isJob ? "c-system" : hueOfUser(this.wire ? this.user : null);
  }
  get isOut(): boolean {
    return this.wire?.state === "logged out";
  }
  get isSystem(): boolean {
    return this.id === SYSTEM || this.wire === null;
  }
  /** Its group: 0 logged in, 1 logged out, 2 jobs and services of users, 3 no login. */
  get group(): number {
    if (this.isSystem) return 3;
    if (this.isOut) return 1;
    return this.how === "cron" || this.how === "manager" || this.how === "su" ? 2 : 0;
  }
  get from(): string | null {
    return this.wire?.remote_host ?? this.wire?.remote_address ?? null;
  }
  get haystack(): string {
    const key = this.authentication?.key_fingerprint ?? "";
    return [this.user, this.from, this.wire?.tty, HOW[this.how][0], key].join(" ").toLowerCase();
  }

  /** Derive how the login came about, and the colours of its processes. */
  paint(): void {
    this.findHow();
    for (const root of this.roots) paint(root, this);
  }

  private findHow(): void {
    const wire = this.wire, method = this.authentication?.authentication_method;
    const service = wire?.service ?? "", root = this.roots[0]?.wire.name ?? "";
    this.how = this.isSystem
      ? "none"
      : wire?.login_class?.startsWith("manager") || service === "systemd-user"
        ? "manager"
        : SU.test(service)
          ? "su"
          : wire?.logon_type === 4 || /^(cron|crond|atd)$/i.test(service) || /^(cron|crond|atd)$/i.test(root)
            ? "cron"
            : DESKTOPS.test(service)
              ? "desktop"
              : method === "publickey" && wire?.logon_type !== 3
                ? "key"
                : method?.startsWith("password") || method?.startsWith("keyboard")
                  ? "password"
                  : wire?.logon_type === 3
                    ? "net"
                    : service === "sshd" || wire?.logon_type === 10 || this.from
                      ? "ssh"
                      : wire?.logon_type === 2
                        ? "console"
                        : "other";
  }
}

export class Model {
  readonly sessions: Session[] = [];
  readonly byKey = new Map<string, Process>();
  readonly byPid = new Map<number, Process>();
  readonly byId = new Map<string, Session>();
  /** Processes that were never shown. */
  readonly unseen = new Set<Process>();
  /** Processes that have ended, and whose rows stay for a moment, so that one sees what ended. */
  ending: Process[] = [];
  /** How many processes have ended since rows were shown last. */
  ended = 0;
  /** How many processes have moved since then, such as to another logon session. */
  moved = 0;

  get processes(): Iterable<Process> {
    return this.byKey.values();
  }

  /** How many changes of rows were not shown yet. */
  get changes(): number {
    return this.unseen.size + this.ended + this.moved;
  }

  /** Add a process to a logon session. */
  add(process: Process, session: Session): void {
    process.session = session;
    session.processes.push(process);
    this.byKey.set(process.key, process);
    this.byPid.set(process.pid, process);
  }

  /** Put a process below its parent, if that is in the same logon session. */
  link(process: Process): void {
    const { session, wire } = process;
    const parent = wire.ppid === null ? undefined : this.byPid.get(wire.ppid);
    let isBelow = false;
    // A pid that was used again can make a process its own ancestor.
    for (let one = parent ?? null; one && !isBelow; one = one.parent) isBelow = one === process;
    process.parent = parent && parent.session === session && !isBelow ? parent : null;
    (process.parent?.children ?? session.roots).push(process);
  }

  /** Take a process out of the tree; its children stay, without a parent. */
  unlink(process: Process): void {
    remove(process.parent?.children ?? process.session.roots, process);
    remove(process.session.processes, process);
    for (const child of process.children) {
      child.parent = null;
      process.session.roots.push(child);
    }
    process.parent = null;
    process.children.length = 0;
  }

  /** Forget a process, and its logon session if that has no other. */
  drop(process: Process): void {
    if (this.byKey.get(process.key) !== process) return;
    this.unlink(process);
    this.byKey.delete(process.key);
    if (this.byPid.get(process.pid) === process) this.byPid.delete(process.pid);
    this.unseen.delete(process);
    this.forgetEmpty(process.session);
  }

  forgetEmpty(session: Session): void {
    if (session.processes.length || session.id === SYSTEM) return;
    this.byId.delete(session.id);
    remove(this.sessions, session);
  }

  addSession(session: Session): void {
    this.byId.set(session.id, session);
    this.sessions.push(session);
  }

  /** Note that a process has ended. One that was never shown needs no row. */
  end(process: Process): void {
    if (process.hasEnded) return;
    if (this.unseen.has(process)) return this.drop(process);
    this.ended++;
    process.hasEnded = true;
    if (this.ending.length >= MOST_ENDED) return this.drop(process);
    if (this.byPid.get(process.pid) === process) this.byPid.delete(process.pid);
    this.ending.push(process);
  }

  sort(): void {
    this.sessions.sort((a, b) => a.group - b.group || compare(b.wire?.start ?? null, a.wire?.start ?? null) || compare(a.id, b.id));
  }
}

function remove<T>(list: T[], item: T): void {
  const at = list.lastIndexOf(item);
  if (at >= 0) list.splice(at, 1);
}

/** The permanent name of a process. */
export const keyOf = (wire: WireProcess): string => wire.process_guid ?? `${wire.pid} ${wire.start}`;

const MOST_ENDED = 200;

/** Ask for all logon sessions and processes, and compare them with those of before. */
export async function readModel(previous: Model | null, extras: Extras, at: number | null = null): Promise<Model> {
  const model = new Model();
  let session: Session | null = null;
  await askRows<{ session?: WireSession | null; process?: WireProcess }>("tree", {}, (row) => {
    if (row.process) model.add(new Process(row.process), session!);
    else {
      session = new Session(row.session ?? null);
      model.addSession(session);
    }
  }, { at });
  const slices = new Slices();
  for (const one of model.sessions) {
    one.authentication = at === null ? extras.logins.get(one.id) ?? null : null;
    one.processes.sort((a, b) => compare(a.wire.start, b.wire.start) || a.pid - b.pid);
    for (const process of one.processes) {
      model.link(process);
      process.ports = at === null ? extras.ports.get(process.pid) ?? [] : [];
      if (slices.isOver) await slices.next();
    }
    one.paint();
    if (slices.isOver) await slices.next();
  }
  if (previous) await compareWith(previous, model, slices);
  model.sort();
  return model;
}

const compare = (a: string | null, b: string | null): number => ((a ?? "") < (b ?? "") ? -1 : (a ?? "") > (b ?? "") ? 1 : 0);

/** Give processes their colours. Root that a login service runs as is grey; root that somebody gained is amber. */
export function paint(root: Process, session: Session): void {
  const waiting: Process[] = [root];
  for (let process = waiting.pop(); process; process = waiting.pop()) {
    const parent = process.parent;
    const name = process.wire.name ?? "";
    const isRoot = process.wire.uid === 0;
    if (session.isSystem) process.hue = "c-system";
    else if (!isRoot) process.hue = process.wire.user === null ? "c-system" : hueOfUser(process.wire.user);
    else if (parent) process.hue = parent.hue === "c-system" && !SWITCHERS.has(name) ? "c-system" : "c-root";
    else process.hue = LOGIN_PROGRAMS.test(name) || session.wire?.uid === 0 ? "c-system" : "c-root";
    if (session.wire?.uid === 0 && isRoot) process.hue = session.hue;
    const changes = parent !== null && parent.wire.uid !== process.wire.uid && !session.isSystem;
    // The login service gives the login to its user: that is no change.
    const isLogin = changes && parent.wire.uid === 0 && process.wire.uid === session.wire?.uid && parent.hue === "c-system";
    if (changes && !isLogin)
      process.via = SWITCHERS.has(name) ? name : SWITCHERS.has(parent.wire.name ?? "") ? parent.wire.name!
        : process.container !== parent.container ? "its container" : "setuid";
    waiting.push(...process.children);
  }
}

async function compareWith(previous: Model, model: Model, slices: Slices): Promise<void> {
  // What was never shown is new, whichever look found it.
  for (const [key, process] of model.byKey) {
    const before = previous.byKey.get(key);
    if (!before || previous.unseen.has(before)) {
      process.isNew = true;
      model.unseen.add(process);
    }
    if (slices.isOver) await slices.next();
  }
  model.ended = previous.ended;
  model.moved = previous.moved;
  for (const [key, process] of previous.byKey) {
    if (model.byKey.has(key)) {
      if (slices.isOver) await slices.next();
      continue;
    }
    if (process.hasEnded || previous.unseen.has(process)) continue;
    model.ended++;
    const session = model.byId.get(process.session.id);
    if (!session || model.ending.length >= MOST_ENDED) continue;
    const last = new Process(process.wire);
    last.session = session;
    last.hasEnded = true;
    last.hue = process.hue;
    last.via = process.via;
    const parent = process.parent && model.byKey.get(process.parent.key);
    last.parent = parent || null;
    (parent ? parent.children : session.roots).push(last);
    session.processes.push(last);
    model.byKey.set(key, last);
    model.ending.push(last);
  }
}

const DETAILS = ["authentication", "origin"], NONE: number[] = [];

/** What is asked for less often: ports that processes listen on, and what sshd logged about logins. */
export class Extras {
  ports = new Map<number, number[]>();
  logins = new Map<string, WireSession>();

  async readPorts(): Promise<void> {
    const ports = new Map<number, number[]>();
    const text = "SELECT Antecedent, LocalPort FROM LS_ProcessSocket WHERE State = 'LISTEN' OR Protocol LIKE 'udp%'";
    await askRows<{ properties: { Antecedent: string; LocalPort: number } }>(
      "query",
      { text, namespace: "root/logonscope" },
      ({ properties }) => {
        const pid = Number(/Handle="(\d+)"/.exec(properties.Antecedent)?.[1]);
        const list = ports.get(pid);
        if (!list) ports.set(pid, [properties.LocalPort]);
        else if (!list.includes(properties.LocalPort)) list.push(properties.LocalPort);
      },
    );
    this.ports = ports;
  }

  async readLogins(): Promise<void> {
    const logins = new Map<string, WireSession>();
    await askRows<WireSession>("sessions", { details: DETAILS }, (row) => logins.set(row.logon_id, row));
    this.logins = logins;
  }

  /** Read what was logged about one login. */
  async readLogin(id: string): Promise<void> {
    await askRows<WireSession>("sessions", { which: id, details: DETAILS }, (row) => this.logins.set(row.logon_id, row));
  }

  /** Fill in what was read since a model was read. */
  fill(model: Model): void {
    for (const process of model.processes) process.ports = this.ports.get(process.pid) ?? NONE;
    for (const session of model.sessions) this.fillLogin(session);
  }

  fillLogin(session: Session): void {
    const login = this.logins.get(session.id);
    if (!login || login === session.authentication) return;
    session.authentication = login;
    session.paint();
  }
}
