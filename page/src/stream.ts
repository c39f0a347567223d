/** The stream of events: opened, watched for silence, and opened again where it was. */

import { LostError, openEvents, Slices } from "./api";
import { type HostEvent, WATCHED } from "./changes";

/** The server sends something at least every 15 seconds. */
const SILENCE_MS = 40_000;
const RATE_SECONDS = 5;

export class EventStream {
  isOpen = false;
  /** The place after the last event; null: the stream begins with the next one. */
  cursor: string | null = null;
  private aborter: AbortController | null = null;
  private silence = 0;
  /** How many events came in the last seconds, each second apart. */
  private counts: number[] = [0];

  /** `receive` gets events as they arrive; `end` is called when the stream has ended, but not by `close`. */
  constructor(private readonly receive: (events: HostEvent[]) => void, private readonly end: (error: unknown) => void) {}

  /** Open the stream after the last event; return once the server has accepted it. */
  async open(): Promise<void> {
    this.close();
    const aborter = (this.aborter = new AbortController());
    const next = await openEvents<HostEvent>({ events: WATCHED }, this.cursor, aborter.signal);
    if (aborter.signal.aborted) return;
    this.isOpen = true;
    void this.run(next, aborter);
  }

  /** Close the stream; `open` goes on where it was. */
  close(): void {
    this.aborter?.abort();
    this.aborter = null;
    this.isOpen = false;
    clearTimeout(this.silence);
  }

  /** Forget the place: what happens until the stream is opened again is of no interest. */
  reset(): void {
    this.close();
    this.cursor = null;
  }

  /** Events a second, of the last seconds. */
  get rate(): number {
    return this.counts.reduce((sum, count) => sum + count, 0) / RATE_SECONDS;
  }

  /** Count the events of another second. */
  countSecond(): void {
    if (this.counts.push(0) > RATE_SECONDS) this.counts.shift();
  }

  private async run(next: () => Promise<HostEvent[]>, aborter: AbortController): Promise<void> {
    try {
      for (;;) {
        this.awaitSound(aborter);
        const events = await next();
        const slices = new Slices();
        // Many events are worked on in slices, so that no frame waits for them.
        for (let start = 0; start < events.length && !aborter.signal.aborted; start += SLICE_EVENTS) {
          const some = events.slice(start, start + SLICE_EVENTS);
          this.cursor = some.findLast((event) => event.cursor !== null)?.cursor ?? this.cursor;
          this.counts[this.counts.length - 1]! += some.length;
          this.receive(some);
          await slices.next();
        }
      }
    } catch (error) {
      if (this.aborter !== aborter) return;
      this.close();
      this.end(error instanceof DOMException ? new LostError() : error);
    }
  }

  private awaitSound(aborter: AbortController): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => aborter.abort(), SILENCE_MS);
  }
}

const SLICE_EVENTS = 16;
