import { decodeDelta, PROTOCOL_VERSION } from "@emlinh/progress-protocol";
import { failure, unexpected } from "./failure.js";
import { numberOf, parseJson } from "./json.js";
import { silenceLimit } from "./silence-limit.js";
import { sseDecoder } from "./sse-decoder.js";
import type { TransportRequest } from "./transport.js";

/** The silence that is allowed, in heartbeat intervals of the server (P36). */
const MISSED_HEARTBEATS = 2.5;

/**
 * Interprets the bytes of one stream, and reports its health. It begins when the request is sent: from then on the open
 * timeout runs.
 *
 * @returns a function that takes the next bytes.
 */
export function streamSession(request: TransportRequest): (bytes: Uint8Array) => void {
  const { clock, signal, receive, report } = request;
  const restartLimit = silenceLimit(request);
  let limitMs = request.minSilenceMs;
  let openedAt: number | undefined;
  restartLimit(request.openTimeoutMs, true);

  function alive(isNew = false): void {
    openedAt ??= clock();
    restartLimit(limitMs, false);
    report({ kind: "alive", healthy: isNew || clock() - openedAt >= request.healthyMs });
  }

  /** Handles `hello` and `heartbeat`, which repeats only the time. */
  function onHello(data: unknown): void {
    const protocol = numberOf(data, "protocol", PROTOCOL_VERSION);
    if (protocol > PROTOCOL_VERSION) {
      const message = `The server speaks protocol ${protocol}. Update this client.`;
      report(failure(message, { retryable: false }));
      return;
    }
    const heartbeatMs = numberOf(data, "heartbeatMs", 0);
    limitMs = Math.max(limitMs, heartbeatMs * MISSED_HEARTBEATS);
    request.onServerTime(numberOf(data, "now", 0));
    alive();
  }

  function onDelta(data: unknown, text: string): void {
    const applied = receive(decodeDelta(data));
    if (applied !== "unknown-epoch") alive(applied !== "known");
    else report(unexpected("a delta of this job", text));
  }

  /** After a `timeout`, as after a `bye`, the next request shows what became of the job (P37, P38). */
  function onBye(data: unknown): void {
    alive();
    report({ kind: "bye", floorMs: numberOf(data, "retryMs", 0) });
  }

  const handlers: { readonly [event: string]: (data: unknown, text: string) => void } = {
    hello: onHello,
    heartbeat: onHello,
    snapshot: onDelta,
    progress: onDelta,
    log: onDelta,
    end: onDelta,
    bye: onBye,
    timeout: onBye,
  };
  const decode = sseDecoder(({ event = "", data }) => {
    // An aborted connection may still hold received bytes. An unknown event is ignored (P7).
    if (!signal.aborted) own(handlers, event)?.(parseJson(data), data);
  }, request.onRetry);

  return (bytes) => {
    // Comments alone do not make a stream: until the first event the open timeout runs.
    if (openedAt !== undefined) alive();
    decode(bytes);
  };
}

/** A member of an object, unless it is inherited. `Object.hasOwn` is missing in the browsers of 2020. */
function own<Value>(members: { readonly [name: string]: Value }, name: string): Value | undefined {
  return Object.keys(members).includes(name) ? members[name] : undefined;
}
