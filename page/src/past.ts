/** The past on the view Live: a strip with a slider over 24 hours, and steps from one event of a login to the next. */

import { h, icon } from "./dom";
import { readSpan } from "./logins";
import { address, go, state } from "./state";
import { DAY, HOUR, second } from "./times";

const EVENTS_MS = 60_000;

/** Moments at which a login began, was logged out or ended, in the last 24 hours. */
class LoginEvents {
  private moments: number[] = [];
  private readAt = -Infinity;

  async read(): Promise<number[]> {
    if (performance.now() - this.readAt < EVENTS_MS) return this.moments;
    const until = Math.max(state.clock.now, state.at ?? 0), since = Math.min(until, state.at ?? until) - DAY;
    const span = await readSpan(since, until, HOUR);
    const moments = new Set(span.logins.flatMap((login) => [login.start, login.out, login.end]));
    this.moments = [...moments].filter((moment): moment is number => moment !== null && moment >= since).sort((a, b) => a - b);
    this.readAt = performance.now();
    return this.moments;
  }
}

const events = new LoginEvents();

export function goTo(moment: number | null): void {
  state.at = moment;
  go(state.view === "live" ? address() : moment === null ? "#live" : `#live?at=${new Date(moment).toISOString()}`);
}

/** Go to the next event of a login before (-1) or after (1) the moment that is shown. */
export async function step(direction: -1 | 1): Promise<void> {
  const at = state.at ?? state.clock.now;
  let moments: number[];
  try {
    moments = await events.read();
  } catch {
    return; // The look at the host says what is wrong.
  }
  const moment = direction < 0 ? moments.findLast((one) => one < at) : moments.find((one) => one > at);
  if (moment !== undefined) goTo(moment);
  else if (direction > 0) goTo(null);
}

const words = (moment: number): string => `As of ${second(state.clock.wall(moment))} ${state.clock.day(state.clock.wall(moment))}`;

export function momentStrip(moment: number): HTMLElement {
  const seconds = (time: number) => Math.floor(time / 1000) * 1000;
  const now = seconds(state.clock.now), first = Math.min(now - DAY, seconds(moment));
  const label = h("span", { class: "asof" }, words(moment));
  const slider = h("input", {
    type: "range", min: first, max: now, step: 1000, "aria-label": "Moment", "aria-valuetext": words(moment),
    oninput: () => {
      label.textContent = words(Number(slider.value));
      slider.setAttribute("aria-valuetext", label.textContent);
    },
    onchange: () => goTo(Number(slider.value) >= now - 1000 ? null : Number(slider.value)),
  });
  slider.value = String(moment);
  return h(
    "section",
    { class: "moment", "aria-label": "A past moment" },
    icon("clock"),
    label,
    slider,
    h("button", { type: "button", "aria-label": "One event back", onclick: () => void step(-1) }, icon("left"), h("span", {}, "Back")),
    h("button", { type: "button", "aria-label": "One event forward", onclick: () => void step(1) }, h("span", {}, "Forward"), icon("right")),
    h("button", { type: "button", onclick: () => goTo(null) }, "Now"),
  );
}
