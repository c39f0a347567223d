/** Times of the host, as its own clock on the wall shows them. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
export const SECOND = 1000, MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR;

/** The clock of the host, of which each answer of the operating system tells; that of a recording stands still. */
export class HostClock {
  private hostTime = Date.now();
  private read = Date.now();
  private offset = "";
  private lastText = "";
  isStill = false;
  /** Whether the host has told its time. */
  isKnown = false;

  set(text: string): void {
    this.isStill = text === this.lastText;
    this.lastText = text;
    this.isKnown = true;
    this.hostTime = Date.parse(text);
    this.read = Date.now();
    this.offset = /([+-]\d\d:\d\d|Z)$/.exec(text)?.[1] ?? "";
  }

  get now(): number {
    // Until a second look has shown that the clock goes, it does not run far ahead.
    return this.isStill ? this.hostTime : this.hostTime + Math.min(Date.now() - this.read, 5 * MINUTE);
  }

  /** Milliseconds that the clock on the host's wall is ahead of UTC. */
  get ahead(): number {
    return this.offset && this.offset !== "Z" ? (Number(this.offset.slice(0, 3)) * 60 + Number(this.offset[0] + this.offset.slice(4))) * MINUTE : 0;
  }

  /** The day of the host, as a number. */
  private today(): number {
    return Math.floor((this.now + this.ahead) / DAY);
  }

  /** A moment as the host's own clock shows it, in ISO 8601 without an offset. */
  wall(moment: number): string {
    return new Date(moment + this.ahead).toISOString().slice(0, -1);
  }

  day(text: string): string {
    const [year, month, day] = text.slice(0, 10).split("-").map(Number) as [number, number, number];
    const ago = this.today() - Math.floor(Date.UTC(year, month - 1, day) / DAY);
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

/** A duration in words: "15 min", "3 h", "2 days". */
export function duration(milliseconds: number): string {
  const round = (unit: number) => Math.round((milliseconds / unit) * 10) / 10;
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < MINUTE) return `${round(1000)} s`;
  if (milliseconds < HOUR) return `${Math.round(milliseconds / MINUTE)} min`;
  if (milliseconds < 2 * DAY) return `${round(HOUR)} h`;
  return `${Math.round(milliseconds / DAY)} days`;
}
