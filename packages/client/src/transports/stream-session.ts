import { decodeDelta, PROTOCOL_VERSION } from "@emlinh/progress-protocol";
import { failure, MAX_FLOOR_MS, unexpected } from "./failure.js";
import { numberOf, parseJson, stringOf } from "./json.js";
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
  /** The cursor of `hello`: the frames up to it are the answer to the request, which a proxy may pass before it holds. */
  let answeredTo = "";
  let delivers = false;
  restartLimit(request.openTimeoutMs);

  function alive(): void {
    openedAt ??= clock();
    restartLimit(limitMs);
    const healthy = delivers && clock() - openedAt >= request.healthyMs;
    report({ kind: "alive", delivers, healthy });
  }

  function onHello(data: unknown): void {
    const protocol = numberOf(data, "protocol", PROTOCOL_VERSION);
    if (protocol > PROTOCOL_VERSION) {
      const message = `The server speaks protocol ${protocol}. Update this client.`;
      report(failure(message, { retryable: false }));
      return;
    }
    const heartbeatMs = numberOf(data, "heartbeatMs", 0);
    limitMs = Math.max(limitMs, heartbeatMs * MISSED_HEARTBEATS);
    answeredTo = stringOf(data, "cursor", "");
    request.onServerTime(numberOf(data, "now", 0));
    alive();
  }

  function onHeartbeat(data: unknown): void {
    delivers = true;
    request.onServerTime(numberOf(data, "now", 0));
    alive();
  }

  function onDelta(data: unknown, text: string): void {
    const delta = decodeDelta(data);
    if (receive(delta) === "unknown-epoch") {
      report(unexpected("a delta of this job", text, request));
      return;
    }
    // A change that a poll has brought already proves as much as a new one.
    if (delta?.cursor !== answeredTo) delivers = true;
    alive();
  }

  function onRetry(retryMs: number): void {
    request.onRetry(Math.min(retryMs, MAX_FLOOR_MS));
  }

  /** After a `timeout`, as after a `bye`, the next request shows what became of the job (P37, P38). */
  function onBye(data: unknown): void {
    alive();
    report({ kind: "bye", floorMs: Math.min(numberOf(data, "retryMs", 0), MAX_FLOOR_MS) });
  }

  const handlers = new Map<string, (data: unknown, text: string) => void>(
    Object.entries({
      hello: onHello,
      heartbeat: onHeartbeat,
      snapshot: onDelta,
      progress: onDelta,
      log: onDelta,
      end: onDelta,
      bye: onBye,
      timeout: onBye,
    }),
  );
  const decode = sseDecoder(({ event = "", data }) => {
    // An aborted connection may still hold received bytes. An unknown event is ignored (P7).
    if (!signal.aborted) handlers.get(event)?.(parseJson(data), data);
  }, onRetry);

  return (bytes) => {
    // Comments alone do not make a stream: until the first event the open timeout runs.
    if (openedAt !== undefined) alive();
    decode(bytes);
  };
}
