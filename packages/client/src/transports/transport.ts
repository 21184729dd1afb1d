import { type Delta, PROTOCOL_VERSION, type WireDelta } from "@emlinh/progress-protocol";
import { makeDecoder } from "./decode.js";
import { type Dropped, dropped, type Exchange, exchange } from "./exchange.js";

/** One request for progress: a stream, or a poll. */
export interface TransportRequest extends Exchange {
  readonly polls: boolean;
  /** How long it may take to its first frame or answer; and how much longer, since the server was asked to hold it. */
  readonly openTimeoutMs: number;
  readonly waitMs: number;
  /** How long a stream may at least be silent after its first frame; the server's heartbeat may make it longer (P36). */
  readonly minSilenceMs: number;
  /** The age at which a stream without news counts as healthy. */
  readonly healthyMs: number;
  /** Takes in what came: a delta, or a sign of life (`false`). @returns whether it is news. @throws if it doesn't fit what was asked with. */
  hear(delta: Delta | false, now: number | undefined): boolean;
  /** The least to wait before the next try (P41). */
  retry(retryMs: number): void;
  /** Tells how it goes. After `polled` or `dropped` there is nothing more to tell, and its signal is expected to abort. */
  tell(event: TransportEvent): void;
}

/** How a request for progress goes. */
type TransportEvent =
  /** Bytes came on a stream. `healthy`: they held news, or it is old enough. */
  | { readonly kind: "alive"; readonly healthy: boolean }
  /** No byte came for half of the limit. */
  | { readonly kind: "silent" }
  /** A poll was answered. `unheld`: it was to be held, and came back at once and empty. */
  | { readonly kind: "polled"; readonly unheld: boolean }
  | Dropped;

/** The events that are read, and of them those that carry a delta. Others are ignored (P7). */
const KNOWN = /^(?:(snapshot|progress|log|end)|hello|heartbeat|timeout|bye)$/;

/** The data of every event that is known, as far as it is read; a delta leaves out what is empty or false. */
interface Data extends Pick<WireDelta, "cursor" | "set"> {
  readonly protocol?: number;
  readonly heartbeatMs?: number;
  readonly now?: number;
  readonly retryMs?: number;
}

/** Asks for what changed after the cursor in the url, by a stream or once, and reads the answer to its end. */
export async function transport(request: TransportRequest): Promise<void> {
  const { polls, waitMs, signal, clock, schedule, hear, tell } = request;
  const begunAt = clock();
  let limitMs = request.minSilenceMs;
  let openedAt: number | undefined;
  let cancel = (): void => {};
  signal.onabort = () => cancel();

  /** From now on silence may last so long. */
  function guard(limitMs: number, strike = false): void {
    cancel();
    cancel = schedule(() => {
      cancel = schedule(
        () => tell(dropped(`Nothing came for ${limitMs} ms.`, strike)),
        limitMs / 2,
      );
      tell({ kind: "silent" });
    }, limitMs / 2);
  }

  function refuse(what: string | null, cause?: unknown): void {
    tell(dropped(`What came isn't progress: ${what?.slice(0, 80)}`, true, { cause }));
  }

  function alive(openedAt: number, advanced = false): void {
    guard(limitMs);
    tell({ kind: "alive", healthy: advanced || clock() - openedAt >= request.healthyMs });
  }

  function event({ event = "", data: text }: { event?: string | undefined; data: string }): void {
    const known = KNOWN.exec(event);
    // What an aborted connection still had in its hands is no news.
    if (signal.aborted || !known) return;
    try {
      const data: Data = JSON.parse(text);
      if (Number(data.protocol) > PROTOCOL_VERSION) {
        const message = `The server speaks protocol ${data.protocol}: update this client.`;
        tell(dropped(message, false, { retryable: false }));
        return;
      }
      const advanced = hear(known[1] !== undefined && { reset: false, log: [], ...data }, data.now);
      if (polls) {
        // A long poll that comes back empty sooner than this wasn't held.
        const HELD_MS = 1000;
        const unheld = waitMs > 0 && !advanced && clock() - begunAt < HELD_MS;
        tell({ kind: "polled", unheld });
        return;
      }
      // How many may be missed, as a factor on their interval (P36).
      const MISSED_HEARTBEATS = 2.5;
      limitMs = Math.max(limitMs, Number(data.heartbeatMs) * MISSED_HEARTBEATS || 0);
      openedAt ??= clock();
      alive(openedAt, advanced);
      // After a timeout, of either scope, the next request tells how things stand (P37).
      if (/bye|timeout/.test(event))
        tell({ kind: "dropped", bye: true, strike: false, floorMs: Number(data.retryMs) || 0 });
    } catch (cause) {
      refuse(text, cause);
    }
  }

  guard(request.openTimeoutMs + waitMs, true);
  const accept = polls ? "application/json" : "text/event-stream";
  const end = await exchange(request, { headers: { accept } }, async (response) => {
    if (polls || response.status === 204) {
      // 204 says that we have the end (P26). We don't: whatever we asked with is wrong.
      event({ event: "end", data: (await response.text()) || "{}" });
      return;
    }
    const type = response.headers.get("content-type");
    if (!type?.startsWith(accept) || !response.body) return refuse(type);
    const decode = makeDecoder({ event, retry: request.retry });
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return dropped("The stream was cut before its end.");
      // Any byte is life, but comments alone don't make a stream: until its first frame the time runs.
      if (openedAt !== undefined) alive(openedAt);
      decode(value);
    }
  });
  if (end) tell(end);
}
