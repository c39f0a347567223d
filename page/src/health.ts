/** The view Health: figures of the service, what the host's checks found, and what would help. */

import { allRows, ApiError, LostError } from "./api";
import { type Child, clean, h, icon, replace, svg, toast } from "./dom";
import { state, writeAddress } from "./state";
import { rateOf } from "./stream";
import { duration, SECOND } from "./times";

interface Check {
  subject: string;
  ok: boolean | null;
  finding: string;
  advice: string;
  figures?: Record<string, number> | null;
}

export class HealthView {
  readonly element: HTMLElement;
  private readonly content = h("div", { class: "hi" });
  private readonly figures = h("div", { class: "figs" });
  private checks: Check[] = [];

  constructor() {
    this.element = h("div", { class: "hl", tabindex: 0 }, this.content);
  }

  open(): void {
    writeAddress();
    this.show(h("p", { class: "say" }, `Checking ${state.host || "the host"} …`));
    void this.check();
  }

  focusSearch(): void {}

  private show(...children: Child[]): void {
    replace(this.content, h("h1", { class: "hide" }, "Health"), children);
  }

  /** Show the figures of now. */
  tick(): void {
    this.showFigures();
  }

  /** Show what the service counts, as far as it says so, and the events that this page got. */
  private showFigures(): void {
    const of = (subject: string) => this.checks.find((check) => check.subject === subject)?.figures;
    const live = of("live events"), past = of("history");
    replace(this.figures, state.events.length > 1 ? eventsFigure(state.events) : null, live ? lostFigure(live) : null, past ? historyFigure(past) : null);
    this.figures.hidden = !this.figures.childElementCount;
  }

  private async check(): Promise<void> {
    let checks: Check[];
    try {
      checks = this.checks = await allRows<Check>("doctor", {});
    } catch (error) {
      if (error instanceof LostError) return this.show(h("p", { class: "say" }, "The server cannot be reached."));
      if (error instanceof ApiError) return this.show(h("p", { class: "say", role: "alert" }, clean(error.reason)));
      throw error;
    }
    this.showFigures();
    const bad = checks.filter((check) => check.ok === false).length, noted = checks.filter((check) => check.ok === null).length;
    const number = (one: number) => (one === 1 ? "One thing" : `${one} things`);
    const words: Child = bad
      ? [h("b", {}, `${number(bad)} ${bad === 1 ? "needs" : "need"} mending.`), noted ? ` ${number(noted)} more worth knowing.` : ""]
      : noted
        ? [h("b", {}, "Nothing needs mending."), ` ${number(noted)} ${noted === 1 ? "is" : "are"} worth knowing.`]
        : h("b", {}, "Nothing is missing.");
    const order = (check: Check) => (check.ok === false ? 0 : check.ok === null ? 1 : 2);
    this.show(
      h("p", { class: "say" }, state.seesEverything ? words : ["Your own logon sessions are complete. ", words]),
      this.figures,
      h("h2", {}, "Checks"),
      h("ul", { class: "chk" }, [...checks].sort((a, b) => order(a) - order(b)).map(lineOf)),
    );
  }
}

/** A line of numbers, the newest on the right. */
function line(numbers: readonly number[]): SVGElement {
  const most = Math.max(...numbers, 1), step = 120 / (numbers.length - 1);
  const points = numbers.map((number, at) => `${(at * step).toFixed(1)} ${(28 - (number / most) * 25).toFixed(1)}`);
  const path = svg("path", { d: `M${points.join("L")}`, fill: "none", stroke: "var(--ink2)", "stroke-width": 1.5, "vector-effect": "non-scaling-stroke", "stroke-linejoin": "round" });
  return svg("svg", { viewBox: "0 0 120 30", preserveAspectRatio: "none", "aria-hidden": "true" }, path);
}

function figure(name: string, number: string, unit: string, words: Child, picture: Child = null): HTMLElement {
  return h("div", { class: "fig" }, h("h2", {}, name), h("b", {}, number, unit ? [" ", h("small", {}, unit)] : null), picture, h("p", {}, words));
}

/** Bytes in the largest unit that has a number before the point. */
function size(bytes: number): [number: string, unit: string] {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1000;
  return [bytes < 10 && unit ? bytes.toFixed(1) : Math.round(bytes).toLocaleString("en"), units[unit]!];
}

function eventsFigure(counts: readonly number[]): HTMLElement {
  const most = Math.max(...counts);
  const when = counts.length - 1 - counts.lastIndexOf(most);
  const peak = most ? `most ${most.toLocaleString("en")}, ${when < 60 ? "just now" : `${duration(when * SECOND)} ago`}` : "none came";
  return figure("Events", Math.round(rateOf(counts)).toLocaleString("en"), "a second", `${duration(counts.length * SECOND)} in this page; ${peak}`, line(counts));
}

function lostFigure(figures: Record<string, number>): HTMLElement {
  const { losses = 0, mended = 0, logons_not_determined: unclear = 0 } = figures;
  const words = [
    `${mended.toLocaleString("en")} ${mended === 1 ? "difference" : "differences"} to /proc mended`,
    unclear ? `; ${unclear.toLocaleString("en")} short ${unclear === 1 ? "process" : "processes"} without a certain logon` : "",
  ];
  return figure("Lost", losses.toLocaleString("en"), losses === 1 ? "time" : "times", words);
}

function historyFigure(figures: Record<string, number>): HTMLElement {
  const { bytes = 0, bytes_a_day: daily, max_bytes: most, since_seconds: since } = figures;
  const words = [
    since === undefined ? null : `kept since ${state.clock.long(state.clock.wall(since * SECOND))}`,
    daily ? `${size(daily).join(" ")} a day` : null,
    most ? `room for ${daily ? duration((most / daily) * 24 * 3600 * SECOND) : size(most).join(" ")}` : null,
  ];
  return figure("History", ...size(bytes), words.filter(Boolean).join("; "));
}

function lineOf(check: Check): HTMLElement {
  const [classes, name, words] = check.ok === false ? (["st-bad", "warn", "needs mending"] as const) : check.ok === null ? (["st-note", "info", "worth knowing"] as const) : (["st-ok", "check", "good"] as const);
  // A command with a placeholder, such as ID, cannot be run as it is.
  const command = /`([^`]+)`/.exec(check.advice)?.[1]?.replace(/^.*\b[A-Z]{2,}\b.*$/, "");
  const copy = () =>
    navigator.clipboard ? void navigator.clipboard.writeText(command!).then(() => toast("Copied"), () => toast("The browser does not allow copying")) : toast("The browser does not allow copying");
  return h(
    "li",
    {},
    h("span", { class: classes }, icon(name)),
    h("b", {}, clean(check.subject)),
    h("p", {}, clean(check.finding), check.advice ? h("span", { class: "fx" }, clean(check.advice)) : null),
    command ? h("button", { class: "btn", type: "button", onclick: copy, "aria-label": `Copy the command: ${command}` }, icon("copy"), "Copy the command") : h("span", { class: "hide" }, words),
  );
}
