/** The stream of events: opened, watched for silence, and opened again where it was. */

import { LostError, openEvents, Slices } from "./api";
import type { HostEvent } from "./changes";
import { state } from "./state";

const RATE_SECONDS = 5, KEPT_SECONDS = 600;

/** Events a second, of the last seconds. */
export const rateOf = (counts: readonly number[]): number => counts.slice(-RATE_SECONDS).reduce((sum, count) => sum + count, 0) / RATE_SECONDS;

/** The server sends something at least every 15 seconds. */
const SILENCE_MS = 40_000;
/** Events that are worked on without a pause. */
const SLICE_EVENTS = 16;

/** The server has not sent anything for long. */
export class SilenceError extends LostError {}

export class EventStream {
  isOpen = false;
  /** The place after the last event; null: the stream begins with the next one. */
  cursor: string | null = null;
  private aborter: AbortController | null = null;
  private silence = 0;
  private count = 0;

  /** `receive` gets events as they arrive; `end` is called when the stream has ended, but not by `close`. */
  constructor(private readonly receive: (events: HostEvent[]) => void, private readonly end: (error: unknown) => void) {}

  /** Open the stream after the last event; return once the server has accepted it. */
  async open(): Promise<void> {
    this.close();
    const aborter = (this.aborter = new AbortController());
    const next = await openEvents<HostEvent>({}, this.cursor, aborter.signal);
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
    this.count = 0;
  }

  /** Note how many events came in a second that is over. */
  countSecond(): void {
    if (!this.isOpen) return;
    if (state.events.push(this.count) > KEPT_SECONDS) state.events.shift();
    this.count = 0;
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
          this.count += some.length;
          this.receive(some);
          await slices.next();
        }
      }
    } catch (error) {
      if (this.aborter !== aborter) return;
      this.close();
      this.end(error instanceof DOMException ? new SilenceError() : error);
    }
  }

  private awaitSound(aborter: AbortController): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => aborter.abort(), SILENCE_MS);
  }
}
