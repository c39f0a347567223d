/** Elements without innerHTML and without style attributes, so that a strict policy with Trusted Types holds. */

export type Child = Node | string | number | null | undefined | false | Child[];
type Value = string | number | boolean | null | undefined | ((event: never) => void);

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Record<string, Value> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (name === "class") element.className = String(value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

export function append(parent: Element, children: Child): void {
  if (Array.isArray(children)) for (const child of children) append(parent, child);
  else if (children !== null && children !== undefined && children !== false)
    parent.append(typeof children === "number" ? String(children) : children);
}

export function replace(parent: Element, ...children: Child[]): void {
  parent.replaceChildren();
  append(parent, children);
}

export function svg(tag: string, properties: Record<string, string | number>, ...children: Node[]): SVGElement {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(properties)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export const find = <T extends Element = HTMLElement>(selector: string, root: ParentNode = document): T | null =>
  root.querySelector<T>(selector);

const ICONS = {
  live: "M4 2v12M4 5h5M4 10.5h3.5M11.5 5h.01M10 10.5h.01",
  timeline: "M2 4h7M5 8h9M3 12h6",
  whose: "M6.8 11.6a4.8 4.8 0 1 1 0-9.6 4.8 4.8 0 0 1 0 9.6M10.4 10.4 14 14",
  query: "M5 4 1.5 8 5 12M11 4l3.500 4L11 12M9 2.500 7 13.500",
  health: "M1.500 8.500h3l2-5.500 3 10 2-4.500h3",
  key: "M6 10a3.200 3.200 0 1 1-.01-4.500L14 5.500v2.500M11 5.500V8M2.900 7.800h.01",
  lock: "M3.500 7.500h9v6h-9zM5.500 7.500V5a2.500 2.500 0 0 1 5 0v2.500",
  screen: "M2 3h12v8H2zM6 14h4M4.500 5.500l2 1.500-2 1.500",
  desktop: "M2 3h12v8H2zM5.500 14h5M8 11v3",
  clock: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 5v3.200l2 1.300",
  gear: "M8 5.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5M8 1.500v2M8 12.500v2M1.500 8h2M12.500 8h2M3.400 3.400l1.400 1.400M11.200 11.200l1.400 1.400M3.400 12.600l1.400-1.400M11.200 4.800l1.400-1.400",
  plug: "M6 2v3M10 2v3M4.500 5h7v2.500a3.500 3.500 0 0 1-7 0zM8 11v3",
  user: "M8 2.500a2.500 2.500 0 1 1 0 5 2.500 2.500 0 0 1 0-5M3 13.500a5 5 0 0 1 10 0",
  box: "M8 1.800 13.500 5v6L8 14.200 2.500 11V5zM2.500 5 8 8l5.500-3M8 8v6",
  up: "M8 13V3M4 7l4-4 4 4",
  copy: "M5.500 5.500h8v8h-8zM3 10.500H2.500v-8h8V3",
  x: "M4 4l8 8M12 4l-8 8",
  down: "M4 6l4 4 4-4",
  check: "M3 8.500 6.500 12 13 4.500",
  info: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M8 7.500V11M8 5h.01",
  warn: "M8 2.500 14.500 13.500h-13zM8 6.500v3.500M8 12h.01",
  right: "M6 3l5 5-5 5",
  plus: "M3 8h10M8 3v10",
  minus: "M3 8h10",
  left: "M10 3 5 8l5 5",
  dl: "M8 2v8M4.500 7 8 10.500 11.500 7M2.500 13.500h11",
  menu: "M2 4.500h12M2 8h12M2 11.500h12",
  net: "M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2M2 8h12M8 2c2 2 2 10 0 12M8 2c-2 2-2 10 0 12",
  run: "M4.500 3v10l8-5z",
  sun: "M8 5.200a2.800 2.800 0 1 1 0 5.600 2.800 2.800 0 0 1 0-5.600M8 1.500v1M8 13.500v1M1.500 8h1M13.500 8h1",
};
export type IconName = keyof typeof ICONS;

export const icon = (name: IconName, classes = ""): SVGElement =>
  svg("svg", { class: `ic ${classes}`, viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));

export const bigIcon = (): SVGElement =>
  svg(
    "svg",
    { class: "big", viewBox: "0 0 128 80", "aria-hidden": "true" },
    svg("circle", { cx: 24, cy: 16, r: 9 }),
    svg("path", { d: "M24 25v34q0 9 9 9h14M24 34q0 9 9 9h14", "stroke-dasharray": "3 6" }),
    svg("path", { d: "M60 43h50M60 68h30", "stroke-dasharray": "3 6" }),
  );

export const logo = (): SVGElement =>
  svg(
    "svg",
    { viewBox: "0 0 26 26", "aria-hidden": "true" },
    svg("path", { d: "M7 8v10q0 3 3 3h4", stroke: "var(--ink)" }),
    svg("path", { d: "M7 10q0 4 4 4h3", stroke: "var(--root)" }),
    svg("circle", { cx: 7, cy: 6, r: 3.4, stroke: "var(--ink)" }),
    svg("circle", { cx: 18, cy: 21, r: 2.6, fill: "var(--ink)" }),
    svg("rect", { x: 15.6, y: 11.6, width: 4.8, height: 4.8, rx: 1, transform: "rotate(45 18 14)", fill: "var(--root)" }),
  );

/** A user's colour: a hash of the name, so that it is the same on every host. */
export function hueOfUser(user: string | null): string {
  if (user === null || user === "System") return "c-system";
  if (user === "root") return "c-root";
  // FNV-1a; from this beginning, the names of the documentation get six different colours.
  let hash = 2166136328;
  for (let i = 0; i < user.length; i++) hash = Math.imul(hash ^ user.charCodeAt(i), 16777619);
  return `c-u${((hash ^ (hash >>> 15)) >>> 0) % 6 + 1}`;
}

export function avatar(user: string | null, hue: string, isGone = false, size = ""): HTMLElement {
  const letter = user === null ? "?" : user === "System" ? "S" : user === "root" ? "#" : ([...user][0] ?? "?").toUpperCase();
  return h("span", { class: `av ${hue} ${size}${isGone ? " gone" : ""}`, "aria-hidden": "true", "data-letter": letter });
}

export const person = (user: string | null): HTMLElement =>
  h("b", { class: `who-n ${hueOfUser(user)}` }, user ?? "a user without a name");

export function toast(text: string): void {
  find(".toast")?.remove();
  const element = h("div", { class: "toast", role: "status" }, text);
  document.body.append(element);
  setTimeout(() => element.remove(), 1800);
}

export function copyable(text: string): HTMLElement {
  const copy = () => {
    // Without TLS a browser offers no clipboard: then the text can be selected.
    navigator.clipboard?.writeText(text).then(
      () => toast("Copied"),
      () => toast("The browser does not allow copying"),
    );
    if (!navigator.clipboard) toast("The browser does not allow copying");
  };
  return h(
    "div",
    { class: "cp1" },
    h("span", { title: text }, text),
    h("button", { class: "iconb", type: "button", "aria-label": `Copy: ${text}`, onclick: copy }, icon("copy")),
  );
}

export const unknown = (reason: string): HTMLElement => h("span", { class: "nul", title: reason }, "not known");

/** Show control and direction characters of hostile texts instead of obeying them. */
export const clean = (text: string): string =>
  text.replace(
    // eslint-disable-next-line no-control-regex
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\u27e8U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u27e9`,
  );
