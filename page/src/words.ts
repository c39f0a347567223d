/** What the page says about a process and its logon session, in sentences. */

import { type Child, h, icon, person, hueOfUser, clean } from "./dom";
import { HOW, type Process, type Session, SYSTEM } from "./model";
import { state } from "./state";
import { minute } from "./times";

const LAST_MANAGER = 2n ** 33n + 2n ** 32n;

export function fromText(session: Session): string {
  if (session.isSystem) return session.id === SYSTEM ? "services and the kernel" : "not yours to see";
  const { wire } = session;
  if (session.from) return session.from;
  if (session.how === "manager") return "systemd --user";
  if (session.how === "cron") return "cron job";
  return wire?.tty ?? wire?.service ?? "origin not known";
}

const BY: Partial<Record<Session["how"], string>> = {
  key: "with an ssh key",
  password: "with a password",
  desktop: "at a desktop",
  ssh: "by ssh",
  net: "by ssh, without a terminal",
};

/** Why a process belongs to its login. `subject`: the process itself, in a whole sentence; null: "it". */
export function sentence(session: Session, process: Process | null, subject: Child = null): Child[] {
  const it = subject ?? "It";
  if (session.id === SYSTEM)
    return [it, " was started by no login. It belongs to the System session, with every service of this host."];
  if (session.wire === null) return [it, " belongs to a logon session that you may not see."];
  const start = session.wire.start;
  const at: Child[] = start ? [" at ", h("b", {}, minute(start)), ` ${state.clock.day(start)}`] : [" at a time that is not known"];
  const tail = process ? tailOf(session, process) : [];
  const who = person(session.user);
  if (session.how === "cron")
    return [subject ? ["cron started ", it] : "cron started it", " for ", who, at, ".", tail];
  if (session.how === "manager")
    return [who, "’s user manager started ", subject ?? "it", `. All logins of ${session.user} share that manager.`, tail];
  if (session.how === "su") {
    const service = session.wire.service ?? "su";
    return [subject ? [it, " belongs to "] : "A service became ", who, subject ? `, whom a service became by ${service}` : ` by ${service}`, at, ". No person logged in.", tail];
  }
  const how = session.how === "console" && session.wire.tty ? `at the console ${session.wire.tty}` : BY[session.how] ?? "";
  return [
    subject ? [it, " belongs to ", who, ", who logged in"] : [who, " logged in"],
    session.from ? [" from ", h("b", {}, session.from)] : "",
    how ? ` ${how}` : "",
    at,
    ".",
    tail,
  ];
}

function tailOf(session: Session, process: Process): Child[] {
  const tail: Child[] = [];
  const changes = chain(process).filter((one) => one.isChange || (one.via && one === process)).map((one) => one.via);
  const isOther = process.wire.user !== null && process.wire.user !== session.user;
  if (changes.length && isOther)
    tail.push(" It runs as ", h("b", { class: `who-n ${process.hue}` }, process.user), `, by ${changes.join(", then ")}.`);
  else if (isOther && process.hue !== "c-system") tail.push(" It runs as ", h("b", { class: `who-n ${process.hue}` }, process.user), ".");
  if (process.container)
    tail.push(" It runs in the container ", h("b", {}, process.container), `, as uid ${process.wire.uid} of this host.`);
  if (process.isLeftover) tail.push(` ${session.user} has logged out and left it running.`);
  return tail;
}

/** A process and its ancestors in the logon session, the oldest first. */
export function chain(process: Process): Process[] {
  const processes: Process[] = [];
  for (let one: Process | null = process; one; one = one.parent) processes.unshift(one);
  return processes;
}

/** The four rules in their order; the one that decided is ticked. */
export function ladder(session: Session, evidence: string): HTMLElement {
  const { id, wire } = session;
  const rules: [string, string, Child][] = [
    [
      "scope",
      "Scope",
      evidence === "scope"
        ? ["its cgroup is exactly ", h("b", {}, wire?.scope ?? "the scope of a login"), ", and no kernel id says otherwise"]
        : "its cgroup does not decide: it has a kernel id, or is in no login’s scope",
    ],
    ["audit", "Audit id", evidence === "audit" ? ["the kernel’s session id is ", h("b", {}, id), ", given at login and inherited"] : "no kernel id: unset"],
    ["manager", "Manager", evidence === "manager" ? ["below ", h("b", {}, `user@${managerUid(id)}.service`)] : "not below a user manager"],
    ["none", "System", "no rule matched: no login started it"],
  ];
  let isDecided = false;
  return h(
    "ol",
    { class: "lad" },
    rules.map(([key, name, text]) => {
      const decides = key === evidence;
      const words = isDecided ? "not asked" : text;
      isDecided ||= decides;
      return h(
        "li",
        decides ? { class: "hit" } : {},
        decides ? icon("check") : h("span", { class: "dash" }),
        h("b", {}, name),
        h("span", {}, words),
      );
    }),
  );
}

function managerUid(id: string): string {
  const number = BigInt(id);
  return number >= 2n ** 33n && number < LAST_MANAGER ? String(number - 2n ** 33n) : "UID";
}

export function commands(session: Session, evidence: string): string[] {
  if (session.id === SYSTEM) return ["logonscope tree system", "systemctl status"];
  if (session.wire === null) return [];
  const login = session.wire.login;
  const kernel = evidence === "audit" ? [`journalctl _AUDIT_SESSION=${session.id}`, `ausearch --session ${session.id}`] : [];
  const service = login && session.how !== "manager" ? [`loginctl session-status ${login}`] : [];
  return [`logonscope tree ${session.id}`, ...kernel, ...service];
}

export function chips(process: Process): Child[] {
  const list: Child[] = [];
  if (process.isNew && !process.hasEnded) list.push(h("span", { class: "chip new" }, "new"));
  if (process.hasEnded) list.push(h("span", { class: "chip" }, "ended"));
  if (process.isChange) list.push(changeChip(process));
  else if (process.via) list.push(h("span", { class: "chip" }, `${clean(process.via)} itself`));
  for (const port of process.ports.slice(0, 2)) list.push(h("span", { class: "chip" }, icon("net"), `:${port}`));
  if (process.ports.length > 2) list.push(h("span", { class: "chip" }, `+${process.ports.length - 2} ports`));
  if (process.container) list.push(h("span", { class: "chip" }, icon("box"), process.container));
  if (process.isLeftover) list.push(h("span", { class: "chip left" }, "left over"));
  return list;
}

export function changeChip(process: Process): HTMLElement {
  const isRoot = process.wire.uid === 0;
  return h(
    "span",
    { class: `chip ${isRoot ? "root" : `user ${hueOfUser(process.wire.user)}`}` },
    icon(isRoot ? "up" : "user"),
    `${process.user} by ${clean(process.via)}`,
  );
}

export const howText = (session: Session): string => HOW[session.how][0];
