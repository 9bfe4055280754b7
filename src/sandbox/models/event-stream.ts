import type { JsonObject } from "../../gateway/documents.ts";
import type { Clock } from "../clock.ts";
import { connectionReset } from "../faults.ts";

/** How a stream comes. */
interface Pacing {
  readonly clock: Clock;
  /** Between two events. */
  readonly chunkMs: number;
  /** After how many events the connection breaks; null for never. */
  readonly breakAfter: number | null;
  /** The caller has gone. */
  readonly signal: AbortSignal;
}

/** A server-sent event with data alone, and one with a name. */
export const dataEvent = (data: JsonObject | "[DONE]"): string => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
export const namedEvent = (name: string, data: JsonObject): string => `event: ${name}\n${dataEvent(data)}`;

/**
 * Events as bytes, made when they are read: a slow reader holds nothing but the next. Ends its work where the reader cancels or the
 * signal is aborted.
 */
export function eventStream(events: Iterable<string>, { clock, chunkMs, breakAfter, signal }: Pacing): ReadableStream<Uint8Array> {
  const iterator = events[Symbol.iterator]();
  const encoder = new TextEncoder();
  const ended = new AbortController();
  let sent = 0;
  let onAbort: (() => void) | undefined;
  const end = (): void => {
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
    ended.abort();
    iterator.return?.();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        onAbort = () => {
          end();
          controller.error(signal.reason);
        };
        if (signal.aborted) onAbort();
        else signal.addEventListener("abort", onAbort, { once: true });
      },
      async pull(controller) {
        if (chunkMs > 0 && sent > 0) await clock.wait(chunkMs, ended.signal).catch(() => undefined);
        if (ended.signal.aborted) return;
        if (sent === breakAfter) {
          end();
          controller.error(connectionReset());
          return;
        }
        const next = iterator.next();
        if (next.done === true) {
          end();
          controller.close();
          return;
        }
        sent += 1;
        controller.enqueue(encoder.encode(next.value));
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  );
}
