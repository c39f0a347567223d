/** What is around the views: the bar with the host, the tabs and the account, the strip of the connection, the keys. */

import { hasToken, readStored, signOut, store } from "./api";
import { goTo, momentStrip } from "./past";
import { avatar, find, h, hueOfUser, icon, type IconName, logo, replace, toast } from "./dom";
import { state, VIEWS } from "./state";
import { clockOf, HOUR } from "./times";

const THEME_KEY = "logonscope-theme";
const KEYS: [string, string][] = [
  ["/", "Search"],
  ["1 … 5", "Views"],
  ["↑ ↓", "Row"],
  ["← →", "Fold, unfold"],
  ["Enter", "Details"],
  ["Esc", "Close"],
  ["L", "Left over only"],
  ["[ ]", "One event back, forward"],
  ["N", "Now"],
  ["+ −", "Zoom the timeline"],
  ["?", "These keys"],
];

export interface ShellActions {
  retry: () => void;
  signedOut: () => void;
  closeNotice: () => void;
}

let actions: ShellActions;

export function buildShell(given: ShellActions): void {
  actions = given;
  applyTheme(readStored(THEME_KEY));
  const links = () => VIEWS.map(([view, name]) => h("a", { href: `#${view}`, "data-view": view }, icon(view as IconName), name));
  const skip = (event: Event) => {
    event.preventDefault();
    find("main")!.focus();
  };
  document.body.replaceChildren(
    h("a", { class: "skip", href: "#main", onclick: skip }, "Skip to content"),
    h(
      "header",
      { class: "top" },
      h("a", { class: "brand", href: "#live", "aria-label": "Logonscope" }, logo(), h("span", {}, "Logonscope")),
      h("span", { class: "host", id: "host" }),
      h("nav", { class: "tabs", "aria-label": "Views" }, links()),
      h("span", { class: "grow" }),
      h("span", { class: "pulse", id: "pulse", role: "status" }),
      h("button", { class: "who", id: "account", type: "button", "aria-haspopup": "menu", onclick: toggleMenu }),
    ),
    h("div", { id: "strip" }),
    h("main", { id: "main", tabindex: -1 }),
    h("nav", { class: "bar", "aria-label": "Views, below" }, links()),
  );
  showShell();
}

let shown = "";

/** Show the host, the account and the connection, if one of them has changed. */
export function showShell(): void {
  for (const link of document.querySelectorAll<HTMLElement>("[data-view]"))
    if (link.dataset.view === state.view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  const name = VIEWS.find(([view]) => view === state.view)![1];
  document.title = `${name}${state.host ? ` - ${state.host}` : ""} - Logonscope`;
  const key = JSON.stringify([state.host, state.system, state.account.user, state.lost, state.seesEverything, isRecording(), state.trouble, state.notice, state.hasHistory, pastOnView()]);
  if (key === shown) return;
  shown = key;
  const user = state.account.user ?? "";
  replace(find("#host")!, h("b", {}, state.host || "…"), h("span", { class: "os dv" }, state.system));
  const account = find("#account")!;
  account.setAttribute("aria-label", `Account: ${user}`);
  replace(account, avatar(user || null, hueOfUser(user || null)), h("span", {}, user));
  const pulse = find("#pulse")!;
  const at = pastOnView();
  pulse.className = `pulse${state.lost || state.trouble ? " lost" : isRecording() || at !== null ? " past" : ""}`;
  const moment = new Date(state.clock.now).toISOString().slice(0, 10);
  const words = state.lost ? "Not connected" : state.trouble ? "Cannot be read" : at !== null ? "Past" : isRecording() ? `Recording of ${moment}` : "Live";
  const toggle = () => goTo(pastOnView() === null ? Math.floor(state.clock.now) - HOUR : null);
  // The number changes all the time, which nobody wants to hear.
  const rate = words === "Live" ? h("span", { class: "lng", id: "rate", "aria-hidden": "true" }) : null;
  replace(pulse, state.hasHistory && !state.lost
    ? h("button", { class: "pulseb", type: "button", title: at === null ? "Look at an earlier moment" : "Back to now", onclick: toggle }, h("i"), h("span", {}, words, rate))
    : [h("i"), h("span", {}, words, rate)]);
  showStrip();
}

const isRecording = (): boolean => state.clock.isStill && !state.hasHistory && !state.hasEvents;

/** Show how many events a second come. */
export function showRate(rate: number): void {
  const element = find("#rate"), number = Math.round(rate);
  const text = number < 1 ? "" : `, ${number.toLocaleString("en")} ${number === 1 ? "event" : "events"} a second`;
  if (element && element.textContent !== text) element.textContent = text;
}

/** The past moment that the view shows; null: the present. */
const pastOnView = (): number | null => (state.view === "live" ? state.at : null);

function showStrip(): void {
  const strip = find("#strip")!, at = pastOnView();
  const hadFocus = strip.querySelector("input") === document.activeElement;
  replace(
    strip,
    at === null || state.lost ? null : momentStrip(at),
    state.lost
      ? h(
          "div",
          { class: "moment", role: "alert" },
          icon("warn"),
          h("span", {}, `Connection to ${state.host || "the server"} lost at ${clockOf(state.lost)}. This is what was true then; trying again every few seconds.`),
          h("span", { class: "grow" }),
          h("button", { type: "button", onclick: () => actions.retry() }, "Try now"),
        )
      : null,
    state.notice && !state.lost
      ? h("div", { class: "moment", role: "status" }, icon("live"), h("span", {}, state.notice), h("span", { class: "grow" }), h("button", { type: "button", onclick: () => actions.closeNotice() }, "Close"))
      : null,
    state.trouble && state.model ? h("div", { class: "moment", role: "alert" }, icon("warn"), h("span", {}, state.trouble)) : null,
    state.seesEverything
      ? null
      : h("aside", { class: "own", "aria-label": "What you may see" }, icon("user"), h("span", {}, `You see your own logon sessions and processes. Administrators of ${state.host || "this host"} see everybody’s.`)),
  );
  if (hadFocus) find("input", strip)?.focus();
}

function applyTheme(theme: string | null): void {
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function nextTheme(): void {
  const current = document.documentElement.dataset.theme;
  const next = current === "dark" ? "light" : current === "light" ? null : "dark";
  applyTheme(next);
  store(THEME_KEY, next);
  toast(next === null ? "As the system" : next === "dark" ? "Dark" : "Light");
}

function toggleMenu(): void {
  if (closeMenu()) return;
  const account = find("#account")!;
  const leave = async (everywhere: boolean) => {
    closeMenu();
    await signOut(everywhere).catch(() => undefined);
    actions.signedOut();
  };
  const item = (name: IconName, text: string, act: () => void) => h("button", { role: "menuitem", type: "button", onclick: act }, icon(name), text);
  const words = state.seesEverything ? `${state.account.user} sees every logon session.` : `${state.account.user} sees their own logon sessions.`;
  const menu = h(
    "div",
    { class: "menu" },
    h("p", {}, words),
    h(
      "div",
      { role: "menu", "aria-label": "Account" },
      item("sun", "Light, dark or as the system", nextTheme),
      item("menu", "Keys", () => {
        closeMenu();
        showKeys();
      }),
      hasToken() ? null : item("left", "Log out", () => void leave(false)),
      hasToken() ? null : item("x", "Log out everywhere", () => void leave(true)),
    ),
  );
  menu.addEventListener("keydown", (event) => {
    const buttons = [...menu.querySelectorAll("button")], at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const next = event.key === "ArrowDown" ? at + 1 : event.key === "ArrowUp" ? at - 1 + buttons.length : null;
    if (next !== null) {
      event.preventDefault();
      buttons[next % buttons.length]!.focus();
    }
  });
  find("header")!.append(menu);
  account.setAttribute("aria-expanded", "true");
  menu.querySelector("button")!.focus();
  setTimeout(() => addEventListener("click", closeOutside), 0);
}

function closeOutside(event: Event): void {
  if (!find(".menu")?.contains(event.target as Node)) closeMenu();
}

function closeMenu(): boolean {
  const menu = find(".menu");
  if (!menu) return false;
  menu.remove();
  removeEventListener("click", closeOutside);
  find("#account")!.removeAttribute("aria-expanded");
  return true;
}

export function showKeys(): void {
  const last = document.activeElement as HTMLElement | null;
  const close = () => {
    cover.remove();
    last?.focus();
  };
  const button = h("button", { class: "btn", type: "button", onclick: close }, "Close");
  const cover: HTMLElement = h(
    "div",
    { class: "keys", role: "dialog", "aria-label": "Keys", "aria-modal": "true", onclick: (event: Event) => event.target === cover && close() },
    h("div", {}, h("h2", {}, "Keys"), h("dl", {}, KEYS.map(([key, text]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)])), h("div", { class: "acts" }, button)),
  );
  document.body.append(cover);
  button.focus();
}

/** Close what is open above the page; return whether something was. */
export function closeTop(): boolean {
  const keys = find(".keys");
  keys?.remove();
  if (keys) return true;
  const isMenu = closeMenu();
  if (isMenu) find("#account")!.focus();
  return isMenu;
}
