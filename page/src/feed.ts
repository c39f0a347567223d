/** What just happened: logins, logouts, failed logins and changes of user, in words, the newest first. */

import type { HostEvent } from "./changes";
import { avatar, type Child, clean, h, hueOfUser, icon } from "./dom";
import { state } from "./state";
import { second } from "./times";

const MOST_ENTRIES = 30;

export interface Entry {
  time: string;
  user: string;
  words: Child;
  hasFailed: boolean;
  /** How often the same has failed in a row. */
  times: number;
  /** What makes it the same as another failure. */
  key: string;
  /** What it selects in the tree; null: nothing. */
  target: string | null;
}

const nobody = "a user without a name";

/** Keep what an event tells people. */
export function note(event: HostEvent): void {
  const entry = entryOf(event), last = state.feed[0];
  if (!entry) return;
  // Who guesses passwords would fill the list.
  if (entry.hasFailed && last?.hasFailed && last.key === entry.key) {
    entry.times += last.times;
    state.feed.shift();
  }
  state.feed.unshift(entry);
  state.feed.length = Math.min(state.feed.length, MOST_ENTRIES);
}

function entryOf(event: HostEvent): Entry | null {
  const { session, attempt, change, process } = event;
  const entry = (user: string | null, words: Child, target: string | null = null, hasFailed = false): Entry =>
    ({ time: event.time ?? "", user: clean(user ?? nobody), words, hasFailed, target, times: 1, key: JSON.stringify([attempt?.by_user, attempt?.remote_host ?? attempt?.remote_address]) });
  const from = (host: string | null | undefined) => (host ? ` from ${clean(host)}` : "");
  switch (event.event) {
    case "LogonStarted": {
      const way = session!.authentication_method === "publickey" ? " with an ssh key" : session!.authentication_method === "password" ? " with a password" : "";
      return entry(session!.user, [`logged in${from(session!.remote_host ?? session!.remote_address)}${way}`, session!.service ? [", by ", mono(session!.service)] : ""], `s${session!.logon_id}`);
    }
    case "LoggedOut":
      return entry(session!.user, "logged out", `s${session!.logon_id}`);
    case "LogonFailed":
      return entry(attempt!.by_user ?? attempt!.user, [attempt!.by_user ? `did not become ${clean(attempt!.user ?? "another user")}` : "did not log in", from(attempt!.remote_host ?? attempt!.remote_address), ": ", attempt!.reason ? clean(attempt!.reason) : "refused"], null, true);
    case "UserChanged":
      // Who runs sudo has its rights at once; what counts is what it then becomes.
      if (!change!.is_complete) return null;
      return entry(change!.from_user, [`became ${clean(change!.to_user ?? `uid ${change!.to_uid}`)}`, change!.through ? [" by ", mono(change!.through)] : "", change!.command ? [": ", mono(change!.command)] : ""], String(process!.pid));
    default:
      return null;
  }
}

const MOST_LETTERS = 200;

const mono = (text: string): HTMLElement => h("span", { class: "mono" }, clean(text.slice(0, MOST_LETTERS)));

/** The list of what happened. */
export function feed(select: (target: string) => void): HTMLElement {
  return h(
    "ul",
    { class: "feed" },
    state.feed.map(({ time, user, words, hasFailed, target, times }) =>
      h(
        "li",
        {},
        h(
          target === null ? "div" : "button",
          target === null ? {} : { type: "button", onclick: () => select(target) },
          h("time", {}, second(time)),
          avatar(user, hueOfUser(user), false, "s"),
          h("span", {}, hasFailed ? icon("x") : null, h("b", {}, user), " ", words, times > 1 ? h("b", {}, ` ${times} times`) : null),
        ),
      ),
    ),
  );
}
