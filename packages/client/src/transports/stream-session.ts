import { PROTOCOL_VERSION } from "@emlinh/progress-protocol";
import { failure, MAX_FLOOR_MS, type RequestFailure, unexpected } from "./failure.js";
import { numberOf, parseJson } from "./json.js";
import { sseDecoder } from "./sse-decoder.js";
import { streamHealth } from "./stream-health.js";
import type { TransportRequest } from "./transport.js";

/**
 * Interprets the bytes of one stream, and reports its health. It begins when the request is sent.
 *
 * @returns a function that takes the next bytes.
 */
export function streamSession(request: TransportRequest): (bytes: Uint8Array) => void {
  const { signal, reader, report } = request;
  const health = streamHealth(request);

  function onHello(data: unknown): void {
    const protocol = numberOf(data, "protocol", PROTOCOL_VERSION);
    if (protocol > PROTOCOL_VERSION) {
      report(failureOfProtocol(protocol));
      return;
    }
    reader.readEvent("hello", data);
    health.expectHeartbeats(numberOf(data, "heartbeatMs", 0));
    request.onServerTime(numberOf(data, "now", 0));
    health.alive();
  }

  function onHeartbeat(data: unknown): void {
    request.onServerTime(numberOf(data, "now", 0));
    health.alive(true);
  }

  function onOther(name: string, data: unknown, text: string): void {
    const reading = reader.readEvent(name, data);
    if (reading === "strange") report(unexpected(reader.expected, text, request));
    else if (reading) health.alive(reading === "change");
    if (reading === "ready") report({ kind: "ready" });
  }

  /** After a `timeout`, as after a `bye`, the next request shows what became of the job (P37, P38). */
  function onBye(data: unknown): void {
    health.alive();
    report({ kind: "bye", floorMs: Math.min(numberOf(data, "retryMs", 0), MAX_FLOOR_MS) });
  }

  const handlers = new Map<string, (data: unknown) => void>([
    ["hello", onHello],
    ["heartbeat", onHeartbeat],
    ["bye", onBye],
    ["timeout", onBye],
  ]);
  const decode = sseDecoder(
    ({ event = "", data: text }) => {
      // An aborted connection may still hold received bytes.
      if (signal.aborted) return;
      const data = parseJson(text);
      const handle = handlers.get(event);
      if (handle) handle(data);
      else onOther(event, data, text);
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
