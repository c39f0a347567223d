/** The start of the page: who is here, what the address asks for, and a look at the host every few seconds. */

import { allRows, ApiError, ask, exchange, LostError, session, type SignIn, whenSignedOut, type Account } from "./api";
import { find } from "./dom";
import { HealthView } from "./health";
import { LiveView } from "./live";
import { isLoginShown, showLogin } from "./login";
import { Extras, readModel } from "./model";
import { goTo, step } from "./past";
import { QueryView } from "./query";
import { buildShell, closeTop, showKeys, showShell } from "./shell";
import { go, readAddress, state, VIEWS } from "./state";
import { TimelineView } from "./timeline";
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

class Page {
  private live = new LiveView();
  private views: Record<string, ViewElement> = {};
  private timer = 0;
  private isLooking = false;
  private portsAt = -Infinity;
  private loginsAt = -Infinity;
  private hasRun = false;
  /** The past moment of the model; null: it is of the present. */
  private modelAt: number | null = null;

  async start(): Promise<void> {
    const once = /^#once=([\w-]+)$/.exec(location.hash)?.[1];
    if (once) history.replaceState(null, "", "#live");
    readAddress();
    buildShell({ retry: () => void this.look(), signedOut: () => this.leave("password", "") });
    whenSignedOut(() => void this.expire());
    addEventListener("hashchange", () => this.route());
    addEventListener("keydown", (event) => this.press(event));
    document.addEventListener("visibilitychange", () => document.hidden || void this.look());
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
    this.portsAt = this.loginsAt = -Infinity;
    this.hasRun = true;
    // Views of their own: nothing of an earlier user is left in them.
    this.live = new LiveView();
    this.views = { live: this.live, timeline: new TimelineView(), whose: new WhoseView(), query: new QueryView(), health: new HealthView() };
    // Which words are right depends on what the user may see.
    await this.readIdentity().catch(() => undefined);
    this.route();
    await this.look();
  }

  private async readIdentity(): Promise<void> {
    const identity = await ask<{ sees_everything: boolean; has_history?: boolean }>("identify", {});
    state.seesEverything = identity.sees_everything;
    state.hasHistory = identity.has_history ?? false;
  }

  private leave(how: SignIn, reason: string): void {
    clearTimeout(this.timer);
    state.model = null;
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
      await this.readHost(at);
      state.lost = null;
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
    const model = await readModel(at === this.modelAt ? state.model : null, state.extras, at);
    if (state.account.user === null || at !== state.at) return;
    if (at !== this.modelAt) this.live.replace(model);
    else this.live.update(model);
    this.modelAt = at;
    if (at !== null) return;
    await this.readExtras(model.sessions.length > 0);
  }

  /** What is read less often; it appears with the next look, or at once where there was none. */
  private async readExtras(isWorthwhile: boolean): Promise<void> {
    const now = performance.now();
    const isFirst = this.portsAt < 0;
    if (!isWorthwhile) return;
    if (now - this.portsAt > PORTS_MS) {
      this.portsAt = now;
      await this.tolerate(state.extras.readPorts());
    }
    if (now - this.loginsAt > LOGINS_MS) {
      this.loginsAt = now;
      await this.tolerate(state.extras.readLogins());
    }
    if (isFirst) {
      const model = await readModel(null, state.extras);
      if (state.account.user !== null && state.at === null) this.live.update(model);
    }
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
