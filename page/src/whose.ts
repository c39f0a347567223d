/** The view Whose: one box for a pid, a port, a name, an address or an account, and the login behind it. */

import { allRows, ApiError, LostError } from "./api";
import { avatar, type Child, clean, copyable, h, icon, replace } from "./dom";
import { loginSection } from "./details";
import { Process, Session, type WireProcess, type WireSession } from "./model";
import { go, state, writeAddress } from "./state";
import { minute } from "./times";
import { changeChip, chips, commands, fromText, ladder, sentence } from "./words";

interface Whose {
  pid: number;
  evidence: string;
  session: WireSession;
  process: WireProcess;
  chain: WireProcess[];
  sockets: { protocol: string; address: string; port: number; state: string; path: string | null }[];
  unseen_logins: { kind: string; pid: number; name: string | null }[] | null;
  service: string | null;
}

const MOST_SHOWN = 300;

export class WhoseView {
  readonly element: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly answer = h("div", { "aria-live": "polite" });
  private asked = 0;

  constructor() {
    this.input = h("input", { id: "whose", placeholder: "4312, :8080, python3 or 203.0.113.7:51422", autocomplete: "off", spellcheck: "false", "aria-label": "Process, port, name, address or account" });
    const submit = (event: Event) => {
      event.preventDefault();
      go(`#whose/${encodeURIComponent(this.input.value.trim())}`);
      if (state.whose === this.input.value.trim()) void this.ask();
    };
    this.element = h(
      "div",
      { class: "whose" },
      h(
        "div",
        { class: "wi" },
        h("h1", { class: "hide" }, "Whose is it?"),
        h("form", { class: "ask", onsubmit: submit }, icon("whose"), this.input, h("button", { class: "btn p", type: "submit" }, "Whose?")),
        this.answer,
      ),
    );
  }

  open(): void {
    writeAddress();
    this.input.value = state.whose;
    if (state.whose) void this.ask();
    else {
      replace(this.answer, h("p", { class: "answer" }, "Which login started it? Give a pid, a port, a name, a remote address or an account."));
      this.input.focus();
    }
  }

  focusSearch(): void {
    this.input.focus();
    this.input.select();
  }

  private async ask(): Promise<void> {
    const turn = ++this.asked, target = state.whose;
    try {
      const rows = await allRows<Whose>("whose", { target, details: ["origin", "authentication"] });
      if (turn !== this.asked) return;
      if (rows.length === 1) this.showOne(rows[0]!);
      else this.showMany(rows);
    } catch (error) {
      if (turn !== this.asked) return;
      if (error instanceof ApiError) this.showNone(target, error);
      else if (error instanceof LostError) replace(this.answer, h("p", { class: "answer" }, "The server cannot be reached. Ask again when the connection is there."));
      else throw error;
    }
  }

  private showNone(target: string, error: ApiError): void {
    const isMissing = error.status === 404;
    replace(
      this.answer,
      isMissing
        ? h("p", { class: "answer" }, "There is no ", h("b", {}, /^\d+$/.test(target) ? `process ${target}` : `“${clean(target)}”`), ` on ${state.host} now${state.seesEverything ? "" : ", or it is not yours to see"}.`)
        : h("p", { class: "answer" }, sentenceOf(error)),
      isMissing ? h("p", {}, clean(error.reason), ". Ended processes are only in the history (logonscope history).") : null,
      h("div", { class: "acts" }, h("button", { class: "btn", type: "button", onclick: () => go(`#live?q=${encodeURIComponent(target)}`) }, icon("live"), "Search the tree")),
    );
  }

  private showMany(rows: readonly Whose[]): void {
    const logons = new Set(rows.map((row) => row.session.logon_id)).size;
    replace(
      this.answer,
      h("p", { class: "answer" }, h("b", {}, `${rows.length} processes`), " fit, in ", h("b", {}, `${logons} ${logons === 1 ? "logon session" : "logon sessions"}`), ". Which one?"),
      h("div", { class: "pick" }, rows.slice(0, MOST_SHOWN).map((row) => {
        const { session, process } = joined(row);
        return h(
          "button",
          { type: "button", onclick: () => go(`#whose/${row.pid}`) },
          avatar(session.isSystem ? "System" : session.user, session.hue, session.isOut, "s"),
          h("b", {}, clean(session.user)),
          h("span", { class: "mono" }, process.commandLine),
          chips(process),
          h("span", {}, row.pid),
        );
      })),
      rows.length > MOST_SHOWN ? h("p", {}, `These are the first ${MOST_SHOWN}.`) : null,
    );
  }

  private showOne(row: Whose): void {
    const { session, process, line } = joined(row);
    const it = [h("code", {}, process.base), ` (${process.pid})`];
    const isUnseen = session.isSystem && (row.unseen_logins?.length ?? 0) > 0;
    const words: Child = isUnseen
      ? ["No login is known for ", it, ". ", unseen(row), ` The process runs as ${clean(process.user)}.`]
      : [sentence(session, process, it), session.isSystem && row.service ? [" Its service is ", h("b", {}, clean(row.service)), "."] : ""];
    const start = session.wire?.start;
    const origin: Child = h(
      "li",
      { class: `lk org ${session.hue}` },
      h("b", {}, session.isSystem ? "boot" : clean(fromText(session))),
      h("span", {}, originWords(session) || (start ? minute(start) : "")),
    );
    replace(
      this.answer,
      h("p", { class: "answer" }, words),
      h("ol", { class: "chain", "aria-label": "From the login to the process", tabindex: 0 }, origin, line.map((one) =>
        h(
          "li",
          { class: `lk ${one.hue}${one.isChange ? " chg" : ""}${one === process ? " me" : ""}` },
          h("a", { href: `#live?sel=${one.pid}` }, h("b", {}, one.base)),
          h("span", {}, `pid ${one.pid}${one.wire.start ? `, ${state.clock.short(one.wire.start)}` : ""}`),
          one.isChange ? changeChip(one) : null,
          one === process ? socketChips(row, process) : null,
          one.container && one === process ? h("span", { class: "chip" }, icon("box"), one.container) : null,
          one.isLeftover && one === process ? h("span", { class: "chip left" }, "left over") : null,
        ),
      )),
      h(
        "div",
        { class: "cards" },
        h("section", {}, h("h2", {}, "How it is known"), ladder(session, row.evidence)),
        session.isSystem ? null : loginSection(session, "The login", "h2"),
        h("section", {}, h("h2", {}, "Look further"), [`logonscope whose ${row.pid}`, ...commands(session, row.evidence).slice(0, 3)].map(copyable)),
      ),
    );
  }
}

function unseen(row: Whose): string {
  const signs = row.unseen_logins!.map((sign) => `${clean(sign.name ?? "process")} (${sign.kind}, pid ${sign.pid})`);
  return `A login that leaves no trace in the kernel may have started it: ${signs.join("; ")}.`;
}

function originWords(session: Session): string {
  const wire = session.wire;
  if (!wire || session.isSystem) return "";
  const how = wire.key_type ? `${wire.key_type} key` : wire.authentication_method ?? "";
  return [how, wire.remote_port ? `port ${wire.remote_port}` : ""].filter(Boolean).map(clean).join(", ");
}

/** The rows of an answer as the page's own, with their colours. */
function joined(row: Whose): { session: Session; process: Process; line: Process[] } {
  const session = new Session(row.session);
  session.authentication = row.session;
  const line = (row.chain.length ? row.chain : [row.process]).map((wire) => new Process(wire));
  const process = line.at(-1)!;
  line.forEach((one, i) => {
    one.session = session;
    const before = line[i - 1];
    if (before && before.wire.logon_id === one.wire.logon_id) {
      one.parent = before;
      before.children.push(one);
    } else session.roots.push(one);
    session.processes.push(one);
  });
  process.ports = row.sockets.filter((socket) => socket.state === "LISTEN").map((socket) => socket.port);
  if (!process.ports.length) process.ports = state.extras.ports.get(process.pid) ?? [];
  session.paint();
  return { session, process, line };
}

function socketChips(row: Whose, process: Process): Child {
  const ends = row.sockets.map((socket) => (socket.path ? clean(socket.path) : `:${socket.port}`));
  const names = new Set([...ends, ...process.ports.map((port) => `:${port}`)]);
  return [...names].slice(0, 3).map((name) => h("span", { class: "chip" }, icon("net"), name));
}

const sentenceOf = (error: ApiError): string => `${error.reason[0]?.toUpperCase() ?? ""}${clean(error.reason.slice(1))}.`;
