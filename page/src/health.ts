/** The view Health: what the host's checks found, and what would help. */

import { allRows, ApiError, LostError } from "./api";
import { type Child, clean, h, icon, replace, toast } from "./dom";
import { state, writeAddress } from "./state";

interface Check {
  subject: string;
  ok: boolean | null;
  finding: string;
  advice: string;
}

export class HealthView {
  readonly element: HTMLElement;
  private readonly content = h("div", { class: "hi" });

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

  private async check(): Promise<void> {
    let checks: Check[];
    try {
      checks = await allRows<Check>("doctor", {});
    } catch (error) {
      if (error instanceof LostError) return this.show(h("p", { class: "say" }, "The server cannot be reached."));
      if (error instanceof ApiError) return this.show(h("p", { class: "say", role: "alert" }, clean(error.reason)));
      throw error;
    }
    const bad = checks.filter((check) => check.ok === false).length, noted = checks.filter((check) => check.ok === null).length;
    const number = (one: number) => (one === 1 ? "One thing" : `${one} things`);
    const words: Child = bad
      ? [h("b", {}, `${number(bad)} ${bad === 1 ? "needs" : "need"} mending.`), noted ? ` ${number(noted)} more worth knowing.` : ""]
      : noted
        ? [h("b", {}, "Nothing is missing."), ` ${number(noted)} could be known better.`]
        : h("b", {}, "Nothing is missing.");
    const order = (check: Check) => (check.ok === false ? 0 : check.ok === null ? 1 : 2);
    this.show(
      h("p", { class: "say" }, state.seesEverything ? words : ["Your own logon sessions are complete. ", words]),
      h("h2", {}, "Checks"),
      h("ul", { class: "chk" }, [...checks].sort((a, b) => order(a) - order(b)).map(lineOf)),
    );
  }
}

function lineOf(check: Check): HTMLElement {
  const [classes, name, words] = check.ok === false ? (["st-bad", "warn", "needs mending"] as const) : check.ok === null ? (["st-note", "warn", "worth knowing"] as const) : (["st-ok", "check", "good"] as const);
  const command = /`([^`]+)`/.exec(check.advice)?.[1];
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
