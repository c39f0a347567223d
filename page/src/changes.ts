/** Events of the host, which change the model in place; and the reading of one logon session. */

import { askRows } from "./api";
import { HIDDEN, keyOf, type Model, paint, Process, Session, SYSTEM, type WireProcess, type WireSession } from "./model";

export interface HostEvent {
  event: string;
  time: string | null;
  cursor: string | null;
  process: WireProcess | null;
  before: WireProcess | null;
  session: WireSession | null;
  attempt: WireAttempt | null;
  change: WireChange | null;
  missed: number | null;
}

interface WireAttempt {
  user: string | null;
  by_user: string | null;
  remote_address: string | null;
  remote_host: string | null;
  reason: string | null;
}

interface WireChange {
  from_user: string | null;
  to_user: string | null;
  to_uid: number;
  is_complete: boolean;
  through: string | null;
  command: string | null;
}

export class Changes {
  /** Logon sessions that are to be read again, since events do not say all about them. */
  readonly stale = new Set<string>();
  /** What events have changed while a logon session is read: the events are newer. */
  private touched: Set<string> | null = null;

  apply(model: Model, event: HostEvent): void {
    const { process, session } = event;
    if (event.event === "ProcessStarted" || event.event === "ProcessChanged") this.put(model, process!);
    else if (event.event === "ProcessEnded") {
      const known = model.byKey.get(keyOf(process!));
      this.touched?.add(keyOf(process!));
      if (known) model.end(known);
    } else if (event.event === "LogonStarted") this.stale.add(session!.logon_id);
    else if (event.event === "LoggedOut") this.logOut(model, session!);
    else if (event.event === "LogonEnded") {
      this.stale.delete(session!.logon_id);
      for (const one of [...(model.byId.get(session!.logon_id)?.processes ?? [])]) model.end(one);
    }
  }

  /** Add a process, or take its new values. */
  private put(model: Model, wire: WireProcess): void {
    // Its logon session is not certain yet: another event, or the next look, tells it.
    if (wire.logon_id === null && wire.evidence === "unread") return;
    const known = model.byKey.get(keyOf(wire)), former = model.byPid.get(wire.pid);
    if (former && former !== known) model.end(former);
    const session = this.sessionOf(model, wire.logon_id);
    // Reading the logon session brings the process, too.
    if (!session) return void this.stale.add(wire.logon_id!);
    this.touched?.add(keyOf(wire));
    wire.leftover ??= session.isOut;
    if (known && !known.hasEnded) return this.update(model, known, wire, session);
    if (known) {
      // A look that is older than this event did not find it.
      model.drop(known);
      model.ended = Math.max(0, model.ended - 1);
    }
    const process = new Process(wire);
    process.isNew = true;
    model.unseen.add(process);
    model.add(process, session);
    place(model, process);
  }

  private sessionOf(model: Model, id: string | null): Session | undefined {
    const known = model.byId.get(id ?? HIDDEN);
    if (known || id !== null) return known;
    const hidden = new Session(null);
    model.addSession(hidden);
    model.sort();
    return hidden;
  }

  private update(model: Model, process: Process, wire: WireProcess, session: Session): void {
    const hasMoved = session !== process.session || wire.ppid !== process.wire.ppid;
    const isOther = wire.uid !== process.wire.uid || wire.name !== process.wire.name;
    process.read(wire);
    if (hasMoved) {
      const former = process.session;
      model.unlink(process);
      process.item = null;
      model.add(process, session);
      place(model, process);
      model.forgetEmpty(former);
      model.moved++;
    } else if (isOther) paint(process, session);
  }

  private logOut(model: Model, wire: WireSession): void {
    const session = model.byId.get(wire.logon_id);
    this.stale.add(wire.logon_id);
    if (!session) return;
    session.wire = wire;
    for (const process of session.processes) process.wire.leftover = true;
    model.sort();
    model.moved++;
  }

  /** Read one logon session, and put it into the model of then, if there is one. */
  async readLogon(id: string, model: () => Model | null): Promise<void> {
    const rows: WireProcess[] = [];
    let wire: WireSession | null = null;
    const touched = (this.touched = new Set<string>());
    try {
      await askRows<{ session?: WireSession | null; process?: WireProcess }>("tree", { which: id }, (row) => {
        if (row.process) rows.push(row.process);
        else if (row.session?.logon_id === id) wire = row.session;
      });
    } finally {
      this.touched = null;
    }
    const current = model();
    if (!wire || !current) return;
    let session = current.byId.get(id);
    if (!session) current.addSession((session = new Session(wire)));
    session.wire = wire;
    for (const row of rows) if (!touched.has(keyOf(row))) this.put(current, row);
    session.paint();
    current.forgetEmpty(session);
    current.sort();
    current.moved++;
  }
}

/** Put a process below its parent, and below it the children that were known before it; then give them their colours. */
function place(model: Model, process: Process): void {
  const { session } = process;
  model.link(process);
  for (const root of session.roots.filter((one) => one !== process && one.wire.ppid === process.pid)) {
    session.roots.splice(session.roots.indexOf(root), 1);
    model.link(root);
  }
  if (process.parent) paint(process, session);
  else session.paint();
}

/** Forget processes that have ended some time ago. Return the logon sessions of which processes lost their parent. */
export function dropEnded(model: Model, processes: readonly Process[]): Set<string> {
  const stale = new Set<string>();
  for (const process of processes) {
    const { session } = process, orphans = process.children.filter((child) => !child.hasEnded);
    model.drop(process);
    if (!orphans.length) continue;
    // Services are adopted by process 1; in a login, another process may have asked for them.
    if (session.id !== SYSTEM) stale.add(session.id);
    else for (const orphan of orphans) {
      orphan.wire.ppid = 1;
      session.roots.splice(session.roots.indexOf(orphan), 1);
      model.link(orphan);
    }
  }
  return stale;
}
