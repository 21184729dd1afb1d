import { type Delta, fromWire, PROTOCOL_VERSION, ProgressError } from "@emlinh/progress-protocol";
import { makeDecoder } from "./decode.js";
import {
  type Dropped,
  dropped,
  type Exchange,
  exchange,
  type Reading,
  type Refused,
} from "./exchange.js";

/** What a stream tells before it ends. */
export type StreamEvent =
  /** The least to wait before the next try (P41). */
  | { readonly retryMs: number }
  /** Bytes or a frame came, on a stream that has been open for so long, perhaps with the server's time or a delta. */
  | {
      readonly ageMs: number;
      readonly now?: number | undefined;
      readonly delta?: Delta | undefined;
    };

/** How a stream ended. */
export type StreamEnd =
  | Dropped
  | Refused
  /** 204: the server says that we have the end (P26). */
  | { readonly kind: "finished" };

/** Heartbeats that may be missed, as a factor on their interval (P36). */
const MISSED_HEARTBEATS = 2.5;

/** The events that are read. Others are ignored (P7). */
const DELTAS = ["snapshot", "progress", "log", "end"];
const SIGNS = ["hello", "heartbeat", "timeout", "bye"];

/** The data of every event that is known, as far as it is read. */
interface Data {
  readonly protocol?: number;
  readonly heartbeatMs?: number;
  readonly now?: number;
  readonly retryMs?: number;
}

/**
 * Opens the stream and reads it to its end.
 *
 * @param minSilenceMs - How long it may at least be silent after its first frame; the server's heartbeat may make it longer (P36).
 */
export function openStream(
  request: Exchange,
  minSilenceMs: number,
  emit: (event: StreamEvent) => void,
): Promise<StreamEnd> {
  const { clock } = request;
  let openedAt: number | undefined;

  function hear(event: string, text: string, { settle, beat }: Reading<StreamEnd>): void {
    const carries = DELTAS.includes(event);
    if (!carries && !SIGNS.includes(event)) return;
    const data = parse(text);
    const delta = carries ? fromWire(data) : undefined;
    if (!data || carries !== !!delta) {
      settle(dropped(`The event "${event}" can't be read: ${text.slice(0, 80)}`, true));
      return;
    }
    if (Number(data.protocol) > PROTOCOL_VERSION) {
      const message = `The server speaks protocol ${data.protocol}: update this client.`;
      settle({ kind: "refused", error: new ProgressError("refused", { message }) });
      return;
    }
    const heartbeatMs = Number(data.heartbeatMs) || 0;
    if (openedAt === undefined || heartbeatMs)
      beat(Math.max(minSilenceMs, heartbeatMs * MISSED_HEARTBEATS));
    openedAt ??= clock();
    emit({ ageMs: 0, now: data.now, delta });
    // After a timeout, of either scope, the next request tells how things stand (P37).
    if (event === "bye" || event === "timeout")
      settle({ kind: "dropped", bye: true, strike: false, floorMs: Number(data.retryMs) || 0 });
  }

  return exchange<StreamEnd>(
    request,
    { headers: { accept: "text/event-stream" } },
    async (response, reading) => {
      if (response.status === 204) return { kind: "finished" };
      const type = response.headers.get("content-type");
      if (!type?.startsWith("text/event-stream") || !response.body)
        return dropped(`A stream was asked for, and ${type} came.`, true);
      const decode = makeDecoder({
        retry: (retryMs) => emit({ retryMs }),
        event: ({ event = "", data }) => hear(event, data, reading),
      });
      const reader = response.body.getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return dropped("The stream was cut before its end.");
        // Any byte is life, but comments alone don't make a stream: until its first frame the time runs.
        if (openedAt !== undefined) {
          reading.beat();
          emit({ ageMs: clock() - openedAt });
        }
        decode(value);
      }
    },
  );
}

function parse(text: string): Data | null {
  try {
    return JSON.parse(text);
  } catch {
    // Told by the caller, as JSON of the wrong shape is.
    return null;
  }
}
