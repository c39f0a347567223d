/** The details of what is selected: why this login, ancestors, sockets, container, each value with its source. */

import { allRows } from "./api";
import { avatar, type Child, clean, copyable, h, icon, replace, unknown } from "./dom";
import { feed } from "./feed";
import { type Process, type Session, SYSTEM, type WireSession } from "./model";
import { go, state } from "./state";
import { minute, whole } from "./times";
import { chain, changeChip, chips, commands, fromText, ladder, sentence } from "./words";

type Select = (target: string | null) => void;

interface Socket {
  Protocol: string;
  LocalAddress: string;
  LocalPort: number;
  RemoteAddress: string | null;
  RemotePort: number | null;
  State: string | null;
}

const drawn = new WeakMap<Element, string>();

export function fillDetails(side: HTMLElement, select: Select): void {
  const model = state.model, target = state.selected;
  if (!model) return;
  const process = target && !target.startsWith("s") ? model.byPid.get(Number(target)) : undefined;
  const session = target?.startsWith("s") ? model.byId.get(target.slice(1)) : process?.session;
  const key = JSON.stringify([target, process?.wire, process?.hasEnded, process?.ports, session?.wire, session?.authentication, session?.how, process ? null : session?.processes.length, target === null && state.at === null ? state.feed.map((entry) => `${entry.time} ${entry.times}`) : null]);
  if (drawn.get(side) === key) return;
  const isOther = (JSON.parse(drawn.get(side) ?? "[null]") as unknown[])[0] !== target;
  drawn.set(side, key);
  const top = side.scrollTop;
  const hasFocus = side.contains(document.activeElement) && document.activeElement !== side;
  if (target === null) fillOverview(side, select);
  else if (process) fillProcess(side, process, select);
  else if (session) fillSession(side, session, select);
  else fillMissing(side, target, select);
  side.scrollTop = isOther ? 0 : top;
  if (hasFocus) side.querySelector("button")?.focus();
}

/** Nothing is selected: what just happened, and what there is to read in the tree. */
function fillOverview(side: HTMLElement, select: Select): void {
  const legend = (mark: Child, text: string) => h("li", {}, h("span", { class: "gd lg", "aria-hidden": "true" }, mark), h("span", {}, text));
  replace(
    side,
    state.feed.length && state.at === null ? h("section", {}, h("h2", {}, "What just happened"), feed(select)) : null,
    h(
      "section",
      {},
      h("h2", {}, "How to read the tree"),
      h("p", { class: "why small" }, "A line in the colour of the user runs from each login to all that it started."),
      h(
        "ul",
        { class: "legend" },
        legend(h("u", { class: "c-u1" }), "a process, in the colour of its user"),
        legend(h("u", { class: "c-root chg" }), "here somebody became another user; amber is root"),
        legend(h("u", { class: "c-system" }), "the login service itself, and what no login started"),
        legend(h("u", { class: "c-u1 hol" }), "left over: its login is logged out"),
        legend(h("u", { class: "c-u1 box" }), "runs in a container"),
      ),
    ),
    h(
      "section",
      {},
      h("h3", {}, "Search"),
      h("dl", { class: "kv" }, h("dt", { class: "mono" }, "user:root"), h("dd", {}, "runs as root, or root logged in"), h("dt", { class: "mono" }, "port:8080"), h("dd", {}, "listens on this port"), h("dt", { class: "mono" }, "from:203.0.113"), h("dd", {}, "logins from these addresses"), h("dt", { class: "mono" }, "key:q1Wb"), h("dd", {}, "logins by this ssh key")),
    ),
    h("section", {}, h("h3", {}, "Look further"), ["logonscope", "logonscope leftovers"].map(copyable)),
  );
}

function head(picture: Child, title: string, marks: Child, line: string, select: Select): HTMLElement {
  return h(
    "section",
    { class: "dh" },
    picture,
    h("div", {}, h("h2", {}, title), marks, line ? h("div", { class: "mono" }, line) : null),
    h("button", { class: "iconb x", type: "button", "aria-label": "Close details", onclick: () => select(null) }, icon("x")),
  );
}

const value = (text: Child, source?: string): HTMLElement => h("dd", {}, text, source ? h("small", {}, source) : null);

function fillSession(side: HTMLElement, session: Session, select: Select): void {
  const { wire } = session;
  const number = session.processes.filter((process) => !process.hasEnded).length;
  const evidence = session.processes[0]?.wire.evidence ?? "";
  const title = session.id === SYSTEM ? "System session" : wire ? `${clean(session.user)}’s login` : "Logon sessions of others";
  replace(
    side,
    head(avatar(session.isSystem ? "System" : session.user, session.hue, session.isOut), title, h("div", {}, wire ? `logon session ${session.id}` : ""), "", select),
    h(
      "section",
      {},
      h("p", { class: "why" }, session.id === SYSTEM
        ? "Everything that no login started: services, daemons and the kernel’s own threads."
        : [sentence(session, null), session.isOut ? [" ", clean(session.user), " has logged out; ", h("b", {}, `${number} ${number === 1 ? "process is" : "processes are"}`), " left over."] : ""]),
    ),
    session.isSystem || !wire ? null : loginSection(session, "The login"),
    lookFurther(commands(session, evidence)),
  );
}

/** The values of a login with their sources. */
export function loginSection(session: Session, title: string, heading: "h2" | "h3" = "h3"): HTMLElement {
  const wire = session.authentication ?? session.wire!, { sources } = wire;
  const row = (name: string, text: Child, field: keyof WireSession, reason = "no source on this host says it"): Child => [
    h("dt", {}, name),
    text === null || text === "" ? h("dd", {}, unknown(sources[field] ?? reason)) : value(text, sources[field]),
  ];
  const from = session.from;
  const port = wire.remote_port;
  return h(
    "section",
    {},
    h(heading, {}, title),
    h(
      "dl",
      { class: "kv" },
      row("Logon session", session.id, "logon_id"),
      row("From", from ? clean(from) + (port ? ` port ${port}` : "") : isLocal(session) ? "this host" : null, "remote_host"),
      row("Authenticated", wire.authentication_method ? [clean(wire.authentication_method), wire.key_type ? ` (${clean(wire.key_type)})` : ""] : null, "authentication_method", "nothing was logged about it"),
      wire.key_fingerprint ? row("Key", h("span", { class: "mono" }, clean(wire.key_fingerprint)), "key_fingerprint") : null,
      wire.certificate_id ? row("Certificate", clean(wire.certificate_id), "certificate_id") : null,
      row("Terminal", wire.tty ? clean(wire.tty) : "none", "tty"),
      row("Since", wire.start ? (wire.start_is_approximate ? "about " : "") + whole(wire.start) : null, "start"),
      row("State", wire.state, "state", "no login service has a record of it"),
      row("Leader", wire.leader === null ? (wire.recorded_by ? "gone" : null) : `pid ${wire.leader}`, "leader"),
      row("Type", wire.logon_type_name ? `${wire.logon_type_name} (${wire.logon_type})` : null, "logon_type"),
      row("Login record", wire.login ? `${wire.recorded_by ?? ""} ${clean(wire.login)}` : null, "login", "the record is gone, or there was none"),
      wire.container_id ? row("Container", [wire.container_runtime ? `${wire.container_runtime} ` : "", h("span", { class: "mono" }, wire.container_id)], "container_id") : null,
    ),
  );
}

const isLocal = (session: Session): boolean => session.how === "console" || session.how === "cron" || session.how === "manager" || session.how === "su";

function fillMissing(side: HTMLElement, target: string, select: Select): void {
  const name = target.startsWith("s") ? `Logon session ${target.slice(1)}` : `Process ${target}`;
  replace(
    side,
    head(icon("whose"), clean(name), null, "", select),
    h("section", {}, h("p", { class: "why" }, `There ${state.at === null ? "is" : "was"} no such ${target.startsWith("s") ? "logon session" : "process"} ${state.at === null ? "now" : "then"}${state.seesEverything ? "" : ", or it is not yours to see"}. It may have ended.`)),
  );
}

function fillProcess(side: HTMLElement, process: Process, select: Select): void {
  const { session, wire } = process;
  const sockets = h("div", {});
  replace(
    side,
    head(avatar(session.isSystem ? "System" : wire.user, process.hue, process.isLeftover), process.base, h("div", { class: "mk2" }, chips(process)), process.commandLine, select),
    h("section", {}, h("h3", {}, "Why this login?"), h("p", { class: "why" }, sentence(session, process)), ladder(session, wire.evidence)),
    h("section", {}, h("h3", {}, "Ancestors"), ancestors(process, select)),
    sockets,
    wire.container_id
      ? h("section", {}, h("h3", {}, "Container"), h("dl", { class: "kv" }, h("dt", {}, "Id"), h("dd", { class: "mono" }, clean(wire.container_id)), h("dt", {}, "Runtime"), value(wire.container_runtime ?? unknown("its cgroup does not say")), wire.pod_uid ? [h("dt", {}, "Pod"), h("dd", { class: "mono" }, clean(wire.pod_uid))] : null, h("dt", {}, "Uid"), h("dd", {}, `${wire.uid} of this host; names inside the container are not this host’s`)))
      : null,
    h(
      "section",
      {},
      h("h3", {}, "Process"),
      h(
        "dl",
        { class: "kv" },
        h("dt", {}, "Pid"), h("dd", {}, wire.pid),
        h("dt", {}, "Runs as"), h("dd", {}, wire.user === null ? process.user : `${clean(wire.user)} (uid ${wire.uid})`),
        h("dt", {}, "Logged in as"), h("dd", {}, session.isSystem ? "nobody" : `${clean(session.user)}${wire.login_uid === null ? "" : ` (uid ${wire.login_uid})`}`),
        h("dt", {}, "Started"), h("dd", {}, wire.start ? whole(wire.start) : unknown(reason(process, "start"))),
        h("dt", {}, "Program"), h("dd", { class: wire.executable ? "mono" : "" }, wire.executable ? clean(wire.executable) : unknown(reason(process, "exe"))),
        h("dt", {}, "Terminal"), h("dd", {}, wire.tty ? clean(wire.tty) : "none"),
        h("dt", {}, "Logon session"), h("dd", {}, session.id === SYSTEM ? "System" : session.id),
      ),
    ),
    lookFurther(
      [`logonscope whose ${wire.pid}`, ...commands(session, wire.evidence).slice(0, 3)],
      h("button", { class: "btn", type: "button", onclick: () => go(`#whose/${wire.pid}`) }, icon("whose"), "Whose"),
    ),
  );
  // Sockets of the past are not kept.
  if (state.at === null) void fillSockets(sockets, process);
}

const reason = (process: Process, fact: string): string => process.wire.unread[fact] ?? "it cannot be read, or is not yours to see";

function lookFurther(lines: readonly string[], ...buttons: Child[]): HTMLElement {
  return h("section", {}, h("h3", {}, "Look further"), lines.map(copyable), buttons.length ? h("div", { class: "acts" }, buttons) : null);
}

async function fillSockets(place: HTMLElement, process: Process): Promise<void> {
  try {
    const rows = await allRows<{ properties: Socket }>("associators", {
      path: `LS_Process.Handle="${process.pid}"`, namespace: "root/logonscope", result_class: "LS_Socket",
    });
    if (!rows.length) return;
    const end = (address: string, port: number | null) => `${address.includes(":") ? `[${address}]` : address}:${port}`;
    place.replaceWith(
      h(
        "section",
        {},
        h("h3", {}, "Sockets"),
        h("dl", { class: "kv" }, rows.slice(0, 50).map(({ properties: socket }) => [
          h("dt", {}, (socket.State ?? "open").toLowerCase()),
          h("dd", { class: "mono" }, `${socket.Protocol} ${end(socket.LocalAddress, socket.LocalPort)}${socket.RemotePort ? ` – ${end(socket.RemoteAddress ?? "", socket.RemotePort)}` : ""}`),
        ]), rows.length > 50 ? [h("dt", {}, "more"), h("dd", {}, `${rows.length - 50} others`)] : null),
      ),
    );
  } catch {
    // The process has ended, or its sockets cannot be read: the section stays away.
  }
}

export function ancestors(process: Process, select: Select): HTMLElement {
  const { session } = process, line = chain(process);
  const start = session.wire?.start;
  return h(
    "ol",
    { class: "anc" },
    h("li", { class: session.hue }, h("button", { type: "button", onclick: () => select(`s${session.id}`) }, h("span", {}, session.isSystem ? "boot" : clean(fromText(session))), h("small", {}, start && !session.isSystem ? minute(start) : ""))),
    !session.isSystem && line[0]!.pid !== session.wire?.leader && line[0]!.wire.ppid === 1
      ? h("li", { class: session.hue }, h("div", {}, h("small", {}, "its parent ended; adopted by process 1")))
      : null,
    line.map((one) =>
      h(
        "li",
        { class: `${one.hue}${one.isChange ? " chg" : ""}${one === process ? " me" : ""}` },
        h(
          "button",
          { type: "button", "aria-current": one === process ? "true" : null, onclick: () => select(String(one.pid)) },
          h("span", { class: "mono", title: one.commandLine }, one.base),
          one.isChange ? changeChip(one) : null,
          h("small", {}, one.pid),
        ),
      ),
    ),
  );
}
