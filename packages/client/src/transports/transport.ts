import { type Delta, fromWire, PROTOCOL_VERSION } from "@emlinh/progress-protocol";
import { makeDecoder } from "./decode.js";
import { type Dropped, dropped, type Exchange, exchange } from "./exchange.js";

/** One request for progress: a stream, or a poll. */
export interface Request extends Exchange {
  readonly polls: boolean;
  /** How long a stream may at least be silent after its first frame; the server's heartbeat may make it longer (P36). */
  readonly minSilenceMs: number;
  /** The age at which a stream without news counts as healthy. */
  readonly healthyMs: number;
  /** Takes in what came: a delta, or a sign of life (`false`). @returns whether it is news. @throws if it doesn't fit what was asked with. */
  hear(delta: Delta | false | undefined, now: number | undefined): boolean;
  /** Bytes came on a stream. `healthy`: they held news, or it is old enough. `limitMs`: how long it may now be silent. */
  alive(healthy: boolean, limitMs: number): void;
  /** The least to wait before the next try (P41). */
  retry(retryMs: number): void;
}

/** A poll was answered. */
interface Polled extends Partial<Omit<Dropped, "kind">> {
  readonly kind: "polled";
  /** It was to be held, and came back at once and empty. */
  readonly unheld: boolean;
}

/** A long poll that comes back empty sooner than this wasn't held. */
const HELD_MS = 1000;

/** Heartbeats that may be missed, as a factor on their interval (P36). */
const MISSED_HEARTBEATS = 2.5;

/** The events that are read. Others are ignored (P7). */
const DELTA = /^(snapshot|progress|log|end)$/;
const SIGN = /^(hello|heartbeat|timeout|bye)$/;

/** The data of every event that is known, as far as it is read. */
interface Data {
  readonly protocol?: number;
  readonly heartbeatMs?: number;
  readonly now?: number;
  readonly retryMs?: number;
}

/** Asks for what changed after the cursor in the url, by a stream or once, and reads the answer to its end. */
export function transport(request: Request): Promise<Polled | Dropped> {
  const { polls, waitMs, clock, abort, hear, alive, retry } = request;
  const begunAt = clock();
  let limitMs = request.minSilenceMs;
  let openedAt: number | undefined;
  let advanced = false;
  let outcome: Dropped | undefined;

  function event({ event = "", data: text }: { event?: string | undefined; data: string }): void {
    const carries = DELTA.test(event);
    // What an aborted connection still had in its hands is no news.
    if (abort.signal.aborted || outcome || !(carries || SIGN.test(event))) return;
    try {
      const data: Data = JSON.parse(text);
      if (Number(data.protocol) > PROTOCOL_VERSION) {
        const message = `The server speaks protocol ${data.protocol}: update this client.`;
        outcome = dropped(message, false, { retryable: false });
        return;
      }
      if (hear(carries && fromWire(data), data.now)) advanced = true;
      limitMs = Math.max(limitMs, Number(data.heartbeatMs) * MISSED_HEARTBEATS || 0);
      openedAt ??= clock();
      // After a timeout, of either scope, the next request tells how things stand (P37).
      if (/bye|timeout/.test(event))
        outcome = { kind: "dropped", bye: true, strike: false, floorMs: Number(data.retryMs) || 0 };
    } catch (cause) {
      outcome = dropped(`What came can't be used: ${text.slice(0, 80)}`, true, { cause });
    }
  }

  const accept = polls ? "application/json" : "text/event-stream";
  return exchange<Polled | Dropped>(request, { headers: { accept } }, async (response, guard) => {
    if (polls || response.status === 204) {
      // 204 says that we have the end (P26). We don't: whatever we asked with is wrong.
      event({ event: "end", data: (await response.text()) || "{}" });
      const unheld = waitMs > 0 && !advanced && clock() - begunAt < HELD_MS;
      return outcome ?? { kind: "polled", unheld };
    }
    const type = response.headers.get("content-type");
    if (!type?.startsWith(accept) || !response.body)
      return dropped(`A stream was asked for, and ${type} came.`, true);
    const decode = makeDecoder({ event, retry });
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return dropped("The stream was cut before its end.");
      advanced = false;
      decode(value);
      // Any byte is life, but comments alone don't make a stream: until its first frame the time runs.
      if (openedAt !== undefined) {
        guard(limitMs);
        alive(advanced || clock() - openedAt >= request.healthyMs, limitMs);
      }
      if (outcome) return outcome;
    }
  });
}
