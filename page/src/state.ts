/** The state of the page. All that one may want to send to a colleague is in its address. */

import type { Account } from "./api";
import type { Entry } from "./feed";
import { Extras, type Model } from "./model";
import { HostClock } from "./times";

export type View = "live" | "timeline" | "whose" | "query" | "health";
export const VIEWS: [View, string][] = [
  ["live", "Live"],
  ["timeline", "Timeline"],
  ["whose", "Whose"],
  ["query", "Query"],
  ["health", "Health"],
];
export type Mark = "left" | "changed" | "root" | "port" | "container";

export const state = {
  view: "live" as View,
  account: { user: null } as Account,
  seesEverything: true,
  hasHistory: false,
  /** Whether the host tells what happens. Without that it is asked every few seconds. */
  hasEvents: false,
  host: "",
  system: "",
  clock: new HostClock(),
  model: null as Model | null,
  extras: new Extras(),
  /** When the connection was lost; null: it is there. */
  lost: null as Date | null,
  /** How many events came in each of the last seconds. */
  events: [] as number[],
  /** What just happened, the newest first. */
  feed: [] as Entry[],
  /** What became of the events, for a while after they were lost or the connection was. */
  notice: "",
  /** A reason why the host cannot be read, although the server answers. */
  trouble: "",
  /** The past moment that Live shows, in milliseconds; null: the present. */
  at: null as number | null,
  /** The span of the timeline in milliseconds; null: the last 24 hours, up to now. */
  span: null as { from: number; to: number } | null,
  search: "",
  mark: null as Mark | null,
  user: null as string | null,
  selected: null as string | null,
  folded: new Set<string>(["4294967295"]),
  whose: "",
  namespace: "root/logonscope",
  query: "",
};

const MARKS = new Set(["left", "changed", "root", "port", "container"]);

export function readAddress(): void {
  const [path = "", parameters = ""] = location.hash.replace(/^#/, "").split("?", 2);
  const [view, ...rest] = path.split("/");
  const search = new URLSearchParams(parameters);
  state.view = VIEWS.some(([name]) => name === view) ? (view as View) : "live";
  if (state.view === "live") {
    const at = Date.parse(search.get("at") ?? "");
    state.at = Number.isNaN(at) ? null : at;
    state.search = search.get("q") ?? "";
    const mark = search.get("mark") ?? "";
    state.mark = MARKS.has(mark) ? (mark as Mark) : null;
    state.user = search.get("user");
    state.selected = search.get("sel");
  } else if (state.view === "timeline") {
    const from = Date.parse(search.get("from") ?? ""), to = Date.parse(search.get("to") ?? "");
    state.span = from < to ? { from, to } : null;
  } else if (state.view === "whose") {
    state.whose = decode(rest.join("/"));
  } else if (state.view === "query") {
    state.query = search.get("text") ?? state.query;
    state.namespace = search.get("ns") ?? state.namespace;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function address(): string {
  const search = new URLSearchParams();
  if (state.view === "live") {
    if (state.at !== null) search.set("at", new Date(state.at).toISOString());
    if (state.search) search.set("q", state.search);
    if (state.mark) search.set("mark", state.mark);
    if (state.user) search.set("user", state.user);
    if (state.selected) search.set("sel", state.selected);
  } else if (state.view === "timeline") {
    if (state.span) {
      search.set("from", new Date(state.span.from).toISOString());
      search.set("to", new Date(state.span.to).toISOString());
    }
  } else if (state.view === "query") {
    search.set("ns", state.namespace);
    if (state.query) search.set("text", state.query);
  }
  const rest = state.view === "whose" && state.whose ? `/${encodeURIComponent(state.whose)}` : "";
  const parameters = search.toString();
  return `#${state.view}${rest}${parameters ? `?${parameters}` : ""}`;
}

/** Have the address say what is shown, without a new entry in the browser's history. */
export function writeAddress(): void {
  if (location.hash !== address()) history.replaceState(null, "", address());
}

/** Go to another address; the router shows it. */
export function go(hash: string): void {
  location.hash = hash;
}
