/** Failed logins of the past, from the records of the history; administrators alone get them. */

import { ApiError, askRows } from "./api";
import { clean } from "./dom";

interface WireRefusal {
  Time: string | null;
  User: string | null;
  ByUser: string | null;
  Service: string | null;
  RemoteAddress: string | null;
  RemoteHost: string | null;
  Reason: string | null;
  IsKnownUser: boolean | null;
  AuthenticationMethod: string | null;
  Attempts: number | null;
}

const COLUMNS: (keyof WireRefusal)[] = ["Time", "User", "ByUser", "Service", "RemoteAddress", "RemoteHost", "Reason", "IsKnownUser", "AuthenticationMethod", "Attempts"];
/** Somebody who guesses passwords makes many; more than these are read only for a shorter span. */
const MOST_REFUSALS = 5000;

export class Refusal {
  readonly time: number;
  readonly user: string;
  readonly service: string;
  readonly from: string;
  readonly reason: string;
  readonly attempts: number;
  /** Who tried to become another user; "": nobody, it was a login. */
  readonly by: string;
  /** The program that refused to run something as another user, such as sudo; "": it was a login that failed. */
  readonly changer: string;

  constructor(wire: WireRefusal) {
    this.time = Date.parse(wire.Time ?? "");
    this.user = clean(wire.User ?? "no name");
    this.by = clean(wire.ByUser ?? "");
    this.service = clean(wire.Service ?? "");
    this.from = clean(wire.RemoteAddress ?? wire.RemoteHost ?? "");
    this.reason = clean(wire.Reason ?? reasonOf(wire));
    this.changer = wire.ByUser === null ? "" : clean(wire.Service ?? "a program");
    this.attempts = wire.Attempts ?? 1;
  }
}

/** sshd logs no reason, but whether there is such a user, and what was tried. */
function reasonOf(wire: WireRefusal): string {
  if (wire.IsKnownUser === false) return "no such user";
  return wire.AuthenticationMethod === null ? "no reason logged" : `${wire.AuthenticationMethod} rejected`;
}

/** The failed logins of a span, the oldest first. */
export class RefusalSpan {
  readonly refusals: Refusal[] = [];

  /** `until` is earlier than what was asked for where there were too many. */
  constructor(readonly since: number, public until: number) {}

  get isCut(): boolean {
    return this.refusals.length >= MOST_REFUSALS;
  }

  covers(from: number, to: number): boolean {
    return this.since <= from && this.until >= to;
  }

  within(from: number, to: number): Refusal[] {
    return this.refusals.filter((one) => one.time >= from && one.time < to);
  }
}

export const attemptsOf = (refusals: readonly Refusal[]): number => refusals.reduce((sum, one) => sum + one.attempts, 0);

/** What failed, and how often: "40 logins", "3 attempts at sudo"; logins first. */
export function countsOf(refusals: readonly Refusal[]): [number: number, noun: string, refusals: Refusal[]][] {
  return [...new Set(refusals.map((one) => one.changer))].sort().map((name) => {
    const these = refusals.filter((one) => one.changer === name), number = attemptsOf(these), many = number === 1 ? "" : "s";
    return [number, name ? `attempt${many} at ${name}` : `login${many}`, these];
  });
}

export async function readRefusals(since: number, until: number, signal: AbortSignal): Promise<RefusalSpan> {
  const span = new RefusalSpan(since, until);
  const iso = (time: number) => new Date(time).toISOString();
  const text = `SELECT ${COLUMNS.join(", ")} FROM LS_FailedLogonRecord WHERE Time >= '${iso(since)}' AND Time < '${iso(until)}'`;
  const stop = new AbortController(), forward = () => stop.abort();
  signal.addEventListener("abort", forward);
  try {
    await askRows<{ properties: WireRefusal }>("query", { text, namespace: "root/logonscope" }, ({ properties }) => {
      if (span.isCut) return;
      span.refusals.push(new Refusal(properties));
      if (span.isCut) stop.abort();
    }, { signal: stop.signal });
  } catch (error) {
    // An older server has no such class.
    if (!span.isCut && !(error instanceof ApiError && error.status !== 401)) throw error;
  } finally {
    signal.removeEventListener("abort", forward);
  }
  span.refusals.sort((a, b) => a.time - b.time);
  if (span.isCut) span.until = span.refusals.at(-1)!.time;
  return span;
}
