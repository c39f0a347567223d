/** The form to log in, and what is shown where there is none. */

import { acceptsTickets, ApiError, type Account, LostError, signIn, signInByTicket, type SignIn } from "./api";
import { type Child, find, h, logo, svg } from "./dom";
import { state } from "./state";

const TITLE: Record<SignIn, string> = { password: "Log in", token: "This page has ended", tls: "No login without TLS" };

/** Cover the page with the form; `done` is called with the account. */
export function showLogin(how: SignIn, reason: string, done: (account: Account) => void): void {
  closeLogin();
  const host = state.host || location.hostname;
  const error = h("p", { class: "err", role: "alert", hidden: !reason }, reason);
  const form = how === "password" ? passwordForm(error, done) : explanation(how);
  const box = h(
    "div",
    { class: "lf" },
    h("div", { class: "brand" }, logo(), h("span", {}, "Logonscope")),
    h("h1", {}, how === "password" ? `Log in to ${host}` : TITLE[how]),
    how === "password" ? h("p", {}, "See who started what on this host.") : null,
    how === "password" ? null : error,
    form,
  );
  const cover = h("div", { class: "login", id: "login", role: "dialog", "aria-modal": "true", "aria-label": TITLE[how] }, threads(), box);
  for (const element of document.body.children) (element as HTMLElement).inert = true;
  document.body.append(cover);
  document.title = `${TITLE[how]} - Logonscope`;
  find("input, button, a", box)?.focus();
}

export function closeLogin(): void {
  find("#login")?.remove();
  for (const element of document.body.children) (element as HTMLElement).inert = false;
}

export const isLoginShown = (): boolean => find("#login") !== null;

function passwordForm(error: HTMLElement, done: (account: Account) => void): Child {
  const user = h("input", { id: "user", name: "user", autocomplete: "username", required: true, maxlength: 256, spellcheck: "false", autocapitalize: "off" });
  const password = h("input", { id: "password", name: "password", type: "password", autocomplete: "current-password", required: true, maxlength: 512 });
  const button = h("button", { class: "btn p", type: "submit" }, "Log in");
  const ticket = acceptsTickets() ? h("button", { class: "btn", type: "button", onclick: () => void run(signInByTicket) }, "Log in by Kerberos") : null;
  const run = async (begin: () => Promise<Account>): Promise<void> => {
    button.disabled = true;
    try {
      const account = await begin();
      closeLogin();
      done(account);
    } catch (failure) {
      error.hidden = false;
      error.textContent = failure instanceof ApiError ? `${failure.reason[0]?.toUpperCase()}${failure.reason.slice(1)}.` : failure instanceof LostError ? "The server cannot be reached." : String(failure);
      password.value = "";
      password.focus();
    } finally {
      button.disabled = false;
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    void run(() => signIn(user.value, password.value));
  };
  return h(
    "form",
    { onsubmit: submit },
    h("label", { for: "user" }, "User"),
    user,
    h("label", { for: "password" }, "Password"),
    password,
    error,
    button,
    ticket,
    h("p", { class: "ft" }, "An account of this host, or of its user file. Administrators see every logon session; everybody else sees their own."),
  );
}

function explanation(how: SignIn): Child {
  if (how === "token") return h("p", {}, "Its key was for one browser window only. Run ", h("code", {}, "logonscope page"), " again to open another one.");
  const address = `https://${location.hostname}:5986/`;
  return [
    h("p", {}, "Passwords and cookies are for encrypted connections. The server’s address with TLS is usually "),
    h("p", {}, h("a", { href: address }, address)),
    h("p", { class: "ft" }, "On the host itself, ", h("code", {}, "logonscope page"), " opens this page without a password."),
  ];
}

function threads(): SVGElement {
  const group = svg("svg", { viewBox: "0 0 1200 800", preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" });
  const colours = ["--u1", "--u2", "--u3", "--u4", "--u5", "--root"];
  for (let i = 0; i < 22; i++) {
    const y = 20 + i * 36, stroke = `var(${colours[(i * 5) % 6]})`, middle = 400 + (((i * 53) % 9) - 4) * 4, start = 150 + ((i * 71) % 170);
    const path = `M-20 ${y} H${start} C 430 ${y} 400 ${middle} 600 ${middle} S 770 ${800 - y} ${1050 - ((i * 37) % 150)} ${790 - y + (i % 3) * 9} H1220`;
    group.append(svg("path", { d: path, stroke, ...(i % 7 === 3 ? { "stroke-dasharray": "2 7" } : {}) }));
    group.append(i % 4 ? svg("circle", { cx: start, cy: y, r: 4, fill: stroke }) : svg("rect", { x: start - 4, y: y - 4, width: 8, height: 8, fill: stroke }));
  }
  return group;
}
