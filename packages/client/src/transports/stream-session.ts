import { decodeDelta, PROTOCOL_VERSION } from "@emlinh/progress-protocol";
import { failure, MAX_FLOOR_MS, type RequestFailure, unexpected } from "./failure.js";
import { numberOf, parseJson, stringOf } from "./json.js";
import { sseDecoder } from "./sse-decoder.js";
import { streamHealth } from "./stream-health.js";
import type { TransportRequest } from "./transport.js";

/**
 * Interprets the bytes of one stream, and reports its health. It begins when the request is sent.
 *
 * @returns a function that takes the next bytes.
 */
export function streamSession(request: TransportRequest): (bytes: Uint8Array) => void {
  const { signal, receive, report } = request;
  const health = streamHealth(request);
  /** The cursor of `hello`. The frames up to it answer the request; a proxy may pass them and hold the rest. */
  let answeredTo = "";

  function onHello(data: unknown): void {
    const protocol = numberOf(data, "protocol", PROTOCOL_VERSION);
    if (protocol > PROTOCOL_VERSION) {
      report(failureOfProtocol(protocol));
      return;
    }
    answeredTo = stringOf(data, "cursor", "");
    health.expectHeartbeats(numberOf(data, "heartbeatMs", 0));
    request.onServerTime(numberOf(data, "now", 0));
    health.alive();
  }

  function onHeartbeat(data: unknown): void {
    request.onServerTime(numberOf(data, "now", 0));
    health.alive(true);
  }

  function onDelta(data: unknown, text: string): void {
    const delta = decodeDelta(data);
    // A change that a poll has brought already (`known`) proves as much as a new one.
    if (receive(delta) !== "unknown-epoch") health.alive(delta?.cursor !== answeredTo);
    else report(unexpected("a delta of this job", text, request));
  }

  /** After a `timeout`, as after a `bye`, the next request shows what became of the job (P37, P38). */
  function onBye(data: unknown): void {
    health.alive();
    report({ kind: "bye", floorMs: Math.min(numberOf(data, "retryMs", 0), MAX_FLOOR_MS) });
  }

  const handlers = new Map<string, (data: unknown, text: string) => void>([
    ["hello", onHello],
    ["heartbeat", onHeartbeat],
    ["snapshot", onDelta],
    ["progress", onDelta],
    ["log", onDelta],
    ["end", onDelta],
    ["bye", onBye],
    ["timeout", onBye],
  ]);
  const decode = sseDecoder(
    ({ event = "", data }) => {
      // An aborted connection may still hold received bytes. An unknown event is ignored (P7).
      if (!signal.aborted) handlers.get(event)?.(parseJson(data), data);
    },
    (retryMs) => request.onRetry(Math.min(retryMs, MAX_FLOOR_MS)),
  );

  return (bytes) => {
    // Comments alone do not make a stream.
    if (health.isOpen) health.alive();
    decode(bytes);
  };
}

function failureOfProtocol(protocol: number): RequestFailure {
  const message = `The server speaks protocol ${protocol}. Update this client.`;
  return failure(message, { retryable: false });
}
