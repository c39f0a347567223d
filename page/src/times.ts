/** Times of the host, as its own clock on the wall shows them. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HALF_MINUTE = 30_000;

/** The clock of the host, of which each answer of the operating system tells; that of a recording stands still. */
export class HostClock {
  private hostTime = Date.now();
  private read = Date.now();
  private offset = "";
  private lastText = "";
  isStill = false;

  set(text: string): void {
    this.isStill = text === this.lastText;
    this.lastText = text;
    this.hostTime = Date.parse(text);
    this.read = Date.now();
    this.offset = /([+-]\d\d:\d\d|Z)$/.exec(text)?.[1] ?? "";
  }

  get now(): number {
    // Until a second look has shown that the clock goes, it does not run far ahead.
    return this.isStill ? this.hostTime : this.hostTime + Math.min(Date.now() - this.read, 10 * HALF_MINUTE);
  }

  /** The day of a text with the time of the host, as a number. */
  private today(): number {
    const minutes = this.offset && this.offset !== "Z" ? Number(this.offset.slice(0, 3)) * 60 + Number(this.offset[0] + this.offset.slice(4)) : 0;
    return Math.floor((this.now + minutes * 60_000) / 86_400_000);
  }

  day(text: string): string {
    const [year, month, day] = text.slice(0, 10).split("-").map(Number) as [number, number, number];
    const ago = this.today() - Math.floor(Date.UTC(year, month - 1, day) / 86_400_000);
    if (ago === 0) return "today";
    if (ago === 1) return "yesterday";
    return `${day} ${MONTHS[month - 1]}${ago > 300 ? ` ${year}` : ""}`;
  }

  /** A short time for a column: of another day than today or yesterday, the day. */
  short(text: string | null): string {
    if (!text) return "";
    const day = this.day(text);
    return day === "today" || day === "yesterday" ? minute(text) : day;
  }

  /** "09:12", "09:12 yesterday", "09:12 on 3 Mar". */
  long(text: string): string {
    const day = this.day(text);
    return day === "today" ? minute(text) : `${minute(text)} ${day === "yesterday" ? day : `on ${day}`}`;
  }
}

export const minute = (text: string): string => text.slice(11, 16);
export const second = (text: string): string => text.slice(11, 19);
/** A whole time, to the second, with its offset. */
export const whole = (text: string): string => `${text.slice(0, 10)} ${second(text)} ${/([+-]\d\d:\d\d|Z)$/.exec(text)?.[1] ?? ""}`;
export const clockOf = (date: Date): string => date.toTimeString().slice(0, 8);
