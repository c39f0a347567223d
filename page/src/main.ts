/** The start of the page: who is here, what the address asks for, and the newest of the host: by its events, or by looks. */

import { allRows, ApiError, ask, exchange, LostError, session, type SignIn, whenSignedOut, type Account } from "./api";
import { Changes, type HostEvent } from "./changes";
import { find } from "./dom";
import { note } from "./feed";
import { HealthView } from "./health";
import { LiveView } from "./live";
import { isLoginShown, showLogin } from "./login";
import { Extras, type Model, readModel } from "./model";
import { goTo, step } from "./past";
import { QueryView } from "./query";
import { buildShell, closeTop, showKeys, showRate, showShell } from "./shell";
import { go, readAddress, state, VIEWS } from "./state";
import { EventStream, rateOf, SilenceError } from "./stream";
import { TimelineView } from "./timeline";
import { clockOf } from "./times";
import { WhoseView } from "./whose";

interface ViewElement {
  element: HTMLElement;
  open: () => void;
  focusSearch: () => void;
  /** What the view does every few seconds, if anything. */
  tick?: () => void;
  /** Closes what is open in the view. */
  close?: () => unknown;
}

/** Milliseconds between two looks; a host whose answer takes long is asked less often. */
const LOOK_MS = 3000, LONGEST_LOOK_MS = 60_000, PATIENCE = 2;
const PORTS_MS = 10_000, LOGINS_MS = 30_000, RETRY_MS = 4000;
/** With events, the whole host is read again so seldom; and a stream that was refused is asked for again after a minute. */
const WHOLE_MS = 300_000, REFUSED_MS = 60_000;
/** Milliseconds until a changed logon session is read, and between two readings; after which a page that is not seen closes its
 * stream; after which a stream that goes on would have said that events were lost; and for which a notice stays. */
const SETTLE_MS = 300, SETTLED_MS = 2000, HIDDEN_MS = 20_000, RESUME_MS = 1500, NOTICE_MS = 30_000;
const MOST_STALE = 20, MOST_WAITING = 20_000;

class Page {
  private live = new LiveView((ids) => this.settleAlso(ids));
  private views: Record<string, ViewElement> = {};
  private timer = 0;
  private isLooking = false;
  private portsAt = -Infinity;
  private loginsAt = -Infinity;
  private hasRun = false;
  /** The past moment of the model; null: it is of the present. */
  private modelAt: number | null = null;
  private readonly stream = new EventStream((events) => this.receive(events), (error) => void this.endStream(error));
  private readonly changes = new Changes();
  /** Events that came while the whole host is read: its answer may be older. */
  private readonly waiting: HostEvent[] = [];
  private isReading = false;
  /** When the whole host was read last; below 0: it is to be read. */
  private wholeAt = -Infinity;
  /** From when on it may be read again, so that a server which is slow is not asked without a pause. */
  private readableAt = -Infinity;
  private refusedAt = -Infinity;
  private settling = 0;
  private settledAt = -Infinity;
  private hiding = 0;
  private noticeTimer = 0;
  /** Whether the stream went on where it was, and when it did so after the connection was lost. */
  private isResumed = false;
  private resumedAt: string | null = null;

  async start(): Promise<void> {
    const once = /^#once=([\w-]+)$/.exec(location.hash)?.[1];
    if (once) history.replaceState(null, "", "#live");
    readAddress();
    buildShell({
      retry: () => void this.look(),
      signedOut: () => this.leave("password", ""),
      closeNotice: () => this.notify(""),
    });
    whenSignedOut(() => void this.expire());
    addEventListener("hashchange", () => this.route());
    addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("visibilitychange", () => this.changeVisibility());
    // The browser knows at once that it is offline, a silent stream only later.
    addEventListener("offline", () => this.stream.isOpen && this.endStream(new LostError()));
    setInterval(() => this.countSecond(), 1000);
    try {
      const account = once ? await exchange(once) : await session();
      if (account.user === null) this.leave(account.sign_in ?? "password", "");
      else await this.enter(account);
    } catch (error) {
      if (error instanceof ApiError) this.leave("token", `${error.reason[0]?.toUpperCase()}${error.reason.slice(1)}.`);
      else if (error instanceof LostError) this.lose();
      else throw error;
    }
  }

  /** Show the page to a user who has signed in. */
  private async enter(account: Account): Promise<void> {
    if (account.user !== state.account.user) state.model = null;
    state.account = account;
    state.lost = null;
    this.portsAt = this.loginsAt = this.wholeAt = this.refusedAt = -Infinity;
    this.stream.reset();
    state.events = [];
    state.feed = [];
    this.hasRun = true;
    // Views of their own: nothing of an earlier user is left in them.
    this.live = new LiveView((ids) => this.settleAlso(ids));
    this.views = { live: this.live, timeline: new TimelineView(), whose: new WhoseView(), query: new QueryView(), health: new HealthView() };
    // Which words are right depends on what the user may see.
    await this.readIdentity().catch(() => undefined);
    this.route();
    await this.look();
  }

  private async readIdentity(): Promise<void> {
    const identity = await ask<{ sees_everything: boolean; has_history?: boolean; has_events?: boolean }>("identify", {});
    state.seesEverything = identity.sees_everything;
    state.hasHistory = identity.has_history ?? false;
    state.hasEvents = identity.has_events ?? false;
  }

  private leave(how: SignIn, reason: string): void {
    clearTimeout(this.timer);
    clearTimeout(this.settling);
    this.settling = 0;
    this.changes.stale.clear();
    this.stream.reset();
    state.model = null;
    state.notice = "";
    state.account = { user: null };
    state.extras = new Extras();
    find("main")!.replaceChildren();
    showLogin(how, reason, (account) => void this.enter(account));
  }

  /** The session has ended: the server has restarted, or the user was removed. */
  private async expire(): Promise<void> {
    if (isLoginShown()) return;
    let how: SignIn = "password";
    try {
      const account = await session();
      if (account.user !== null) return;
      how = account.sign_in ?? how;
    } catch {
      // Then the form says what is wrong.
    }
    if (!isLoginShown()) this.leave(how, "Your session has ended. Log in again.");
  }

  private lose(): void {
    state.lost ??= new Date();
    showShell();
    this.lookIn(RETRY_MS);
  }

  private lookIn(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.look(), milliseconds);
  }

  /** Look at the host, and again some seconds later. */
  private async look(): Promise<void> {
    if (this.isLooking || isLoginShown() || document.hidden) return;
    if (!this.hasRun) return void location.reload();
    this.isLooking = true;
    const start = performance.now();
    const at = state.at;
    try {
      await this.openStream(at);
      if (this.stream.isOpen) this.connect();
      if (!this.stream.isOpen || at !== this.modelAt || !state.model || start - this.wholeAt > WHOLE_MS) {
        this.wholeAt = start;
        await this.readWhole(at);
        state.lost = null;
      } else await this.readChanging(state.model);
      state.trouble = "";
    } catch (error) {
      if (error instanceof LostError) return this.lose();
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 401) return;
      state.trouble = at === null ? `${state.host || "The host"} cannot be read: ${error.reason}` : `${error.reason[0]?.toUpperCase()}${error.reason.slice(1)}.`;
      if (at !== this.modelAt) {
        // What is shown is of another moment.
        state.model = null;
        this.modelAt = at;
      }
      if (state.view === "live") this.live.show();
    } finally {
      this.isLooking = false;
    }
    showShell();
    if (at !== state.at) return void this.look();
    // The past does not change.
    if (at !== null && !state.trouble) return;
    this.lookIn(Math.min(LONGEST_LOOK_MS, Math.max(LOOK_MS, PATIENCE * (performance.now() - start))));
  }

  private async readWhole(at: number | null): Promise<void> {
    const start = performance.now();
    try {
      await this.readHost(at);
    } catch (error) {
      this.wholeAt = -Infinity;
      throw error;
    } finally {
      const end = performance.now();
      this.readableAt = end + PATIENCE * (end - start);
    }
  }

  private async readHost(at: number | null): Promise<void> {
    await this.readIdentity();
    const text = "SELECT Caption, CSName, LocalDateTime FROM Win32_OperatingSystem";
    const [system] = await allRows<{ properties: { Caption: string | null; CSName: string; LocalDateTime: string | null } }>("query", { text });
    if (system) {
      state.host = system.properties.CSName;
      state.system = (system.properties.Caption ?? "").replace(/^Debian GNU\/Linux/, "Debian").replace(/ \(.*\)$/, "");
      if (system.properties.LocalDateTime) state.clock.set(system.properties.LocalDateTime);
    }
    showShell();
    this.views[state.view]?.tick?.();
    this.waiting.length = 0;
    this.isReading = true;
    let model: Model;
    try {
      model = await readModel(at === this.modelAt ? state.model : null, state.extras, at);
    } finally {
      this.isReading = false;
    }
    if (state.account.user === null || at !== state.at) return;
    for (const event of this.waiting) this.changes.apply(model, event);
    if (at !== this.modelAt) this.live.replace(model);
    else this.live.update(model);
    this.modelAt = at;
    if (at === null) await this.readExtras(model);
  }

  /** Read what no event tells. */
  private async readChanging(model: Model): Promise<void> {
    this.views[state.view]?.tick?.();
    if (state.at === null) await this.readExtras(model);
  }

  /** Read what is read less often, and show it. */
  private async readExtras(model: Model): Promise<void> {
    const now = performance.now();
    if (!model.sessions.length) return;
    const arePortsDue = now - this.portsAt > PORTS_MS, areLoginsDue = now - this.loginsAt > LOGINS_MS;
    if (arePortsDue) {
      await this.tolerate(state.extras.readPorts());
      // Where it takes long, it is done less often.
      this.portsAt = performance.now() + (performance.now() - now) * PATIENCE;
    }
    if (areLoginsDue) {
      this.loginsAt = now;
      await this.tolerate(state.extras.readLogins());
    }
    if (!(arePortsDue || areLoginsDue) || state.account.user === null || state.at !== null || !state.model) return;
    state.extras.fill(state.model);
    this.live.change(true);
  }

  /** Open the stream of events, if the host has one. */
  private async openStream(at: number | null): Promise<void> {
    if (at !== null || !state.hasEvents) return this.stream.reset();
    if (this.stream.isOpen || performance.now() - this.refusedAt < REFUSED_MS) return;
    // Events since the last one come, if the server still has them; else it says that some were lost.
    this.isResumed = this.stream.cursor !== null;
    if (!this.isResumed) this.wholeAt = -Infinity;
    try {
      await this.stream.open();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 401) throw error;
      this.refusedAt = performance.now();
    }
  }

  private connect(): void {
    if (state.lost === null) return;
    state.lost = null;
    const moment = clockOf(new Date());
    if (!this.isResumed) return this.notify(`Connected again at ${moment}. Everything was read again.`);
    this.resumedAt = moment;
    this.notify(`Connected again at ${moment}.`);
    setTimeout(() => {
      if (this.resumedAt === null) return;
      this.notify(`Connected again at ${this.resumedAt}. Nothing was missed.`);
      this.resumedAt = null;
    }, RESUME_MS);
  }

  private endStream(error: unknown): void {
    this.stream.close();
    if (!(error instanceof ApiError) && !(error instanceof LostError)) throw error;
    showRate(0);
    // Another request may still wait for that server.
    if (error instanceof SilenceError) this.lose();
    else void this.look();
  }

  private receive(events: HostEvent[]): void {
    if (state.at !== null || state.account.user === null) return;
    const model = this.modelAt === null ? state.model : null;
    const before = model?.changes;
    for (const event of events) {
      if (event.event === "Lost") this.lookAgain();
      note(event);
      if (this.isReading) this.waiting.push(event);
      if (model) this.changes.apply(model, event);
    }
    if (this.waiting.length > MOST_WAITING) {
      this.waiting.length = 0;
      this.lookAgain();
    }
    if (model) this.live.change(model.changes !== before);
    this.live.showFeed();
    this.settleSoon();
  }

  private settleAlso(ids: Iterable<string>): void {
    // Without events, the next look reads them.
    if (!this.stream.isOpen) return;
    for (const id of ids) this.changes.stale.add(id);
    this.settleSoon();
  }

  private settleSoon(): void {
    if (!this.changes.stale.size || this.settling) return;
    const pause = Math.max(SETTLE_MS, this.settledAt + SETTLED_MS - performance.now());
    this.settling = setTimeout(() => void this.settle(), pause);
  }

  /** Read the logon sessions again of which events do not say all. */
  private async settle(): Promise<void> {
    const { stale } = this.changes;
    if (stale.size > MOST_STALE) {
      stale.clear();
      this.wholeAt = -Infinity;
    }
    const current = () => (this.modelAt === null && state.at === null && state.account.user !== null ? state.model : null);
    try {
      for (const id of [...stale]) {
        stale.delete(id);
        await this.tolerate(state.extras.readLogin(id));
        await this.tolerate(this.changes.readLogon(id, current));
        const session = current()?.byId.get(id);
        if (session) state.extras.fillLogin(session);
        this.live.change(true);
      }
    } catch (error) {
      // The stream, or the next look, says what is wrong.
      if (!(error instanceof LostError) && !(error instanceof ApiError)) throw error;
    } finally {
      this.settling = 0;
      this.settledAt = performance.now();
      this.settleSoon();
    }
  }

  /** Events were lost: read the whole host again. */
  private lookAgain(): void {
    this.notify(this.resumedAt
      ? `Connected again at ${this.resumedAt}. Some events were missed, so everything was read again.`
      : `Some events were lost at ${clockOf(new Date())}, so everything was read again.`);
    this.resumedAt = null;
    this.wholeAt = -Infinity;
    this.lookIn(Math.max(0, this.readableAt - performance.now()));
  }

  private notify(text: string): void {
    state.notice = text;
    clearTimeout(this.noticeTimer);
    if (text) this.noticeTimer = setTimeout(() => this.notify(""), NOTICE_MS);
    showShell();
  }

  private countSecond(): void {
    this.stream.countSecond();
    if (this.stream.isOpen) showRate(rateOf(state.events));
  }

  /** A browser allows few connections to a server: a page that is not seen keeps none. */
  private changeVisibility(): void {
    clearTimeout(this.hiding);
    if (document.hidden) this.hiding = setTimeout(() => this.stream.reset(), HIDDEN_MS);
    else void this.look();
  }

  /** A detail that cannot be read leaves its values out; the tree is shown without them. */
  private async tolerate(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 401) throw error;
    }
  }

  private route(): void {
    const before = find("main")!.firstElementChild, at = state.at;
    readAddress();
    if (state.view !== "live") state.at = null;
    showShell();
    const view = this.views[state.view];
    if (state.account.user === null || !view) return;
    if (before !== view.element) find("main")!.replaceChildren(view.element);
    if (state.at !== this.modelAt && state.model) void this.look();
    if (view === this.live && state.at === at) this.live.open();
    else if (view !== this.live) view.open();
    if (before && before !== view.element && document.activeElement === document.body) find("main")!.focus({ preventScroll: true });
  }

  private press(event: KeyboardEvent): void {
    if (isLoginShown()) return;
    const target = event.composedPath()[0] as HTMLElement;
    const isText = target.matches?.("input, textarea, select, [contenteditable]");
    // The browser's own search cannot see rows that do not exist; pressed twice, it is the browser's.
    if ((event.ctrlKey || event.metaKey) && event.key === "f" && state.view === "live" && !this.live.hasSearchFocus) {
      event.preventDefault();
      this.live.focusSearch();
      return;
    }
    if (event.key === "Escape") {
      if (closeTop()) return;
      if (isText) target.blur();
      else this.views[state.view]?.close?.();
      return;
    }
    if (isText || event.ctrlKey || event.metaKey || event.altKey) return;
    const number = Number(event.key);
    if (event.key === "/") {
      event.preventDefault();
      if (state.view === "health" || state.view === "timeline") go("#live");
      setTimeout(() => this.views[state.view]?.focusSearch(), 30);
    } else if (event.key === "?") showKeys();
    else if (number >= 1 && number <= VIEWS.length) go(`#${VIEWS[number - 1]![0]}`);
    else if ((event.key === "[" || event.key === "]") && state.view === "live" && state.hasHistory) void step(event.key === "[" ? -1 : 1);
    else if (event.key.toLowerCase() === "n" && state.view === "live" && state.at !== null) goTo(null);
    else if (event.key.toLowerCase() === "l" && state.view === "live") this.live.toggleMark("left");
  }
}

void new Page().start();
