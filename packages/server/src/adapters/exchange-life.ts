import type { RequestClient } from "../core/http/types.js";
import { isClosed, type NodeExchange } from "./node-exchange.js";

/** How long it makes sense to answer a request. */
export interface ExchangeLife extends Required<RequestClient> {
  /** Call it when an answer was found. From then on a response that was ended is complete. */
  answered(): void;
}

/** The socket of HTTP/1, or the stream of HTTP/2: with it, every exchange that it carries is over. */
interface Carrier {
  readonly destroyed?: boolean;
  once(event: "close", listener: () => void): unknown;
}

/** Shared by all signals: an error for each client that leaves, with its stack, would cost more than the answer. */
const CLIENT_LEFT = new DOMException("The client has left.", "AbortError");

/**
 * Watches an exchange until its response is closed. The client is gone when the connection dies, and when the response
 * is closed before it was answered completely.
 */
export function watchExchange(exchange: NodeExchange): ExchangeLife {
  const { res } = exchange;
  const carrier = carrierOf(exchange);
  let isGone = isClosed(res) || Boolean(carrier?.destroyed);
  let isAnswered = false;
  let controller: AbortController | undefined;

  function leave(): void {
    isGone = true;
    controller?.abort(CLIENT_LEFT);
  }

  if (!isGone) {
    // A response that waits in a pipeline emits no `close` when its connection dies.
    const forget = carrier && !ownsCarrier(res) ? onceClosed(carrier, leave) : undefined;
    res.on("close", () => {
      forget?.();
      if (!isAnswered || !res.writableEnded) leave();
    });
  }
  return {
    connection: "stream" in res ? res.stream.session : carrier,
    get signal() {
      controller ??= new AbortController();
      if (isGone) controller.abort(CLIENT_LEFT);
      return controller.signal;
    },
    isGone: () => isGone,
    answered() {
      isAnswered = true;
    },
  };
}

/**
 * Waits until the response may be written. A client may pipeline requests over HTTP/1: their responses are sent one
 * after the other, and one that waits must hold nothing that is worth a slot.
 *
 * @returns `false` if the connection died before.
 */
export async function untilTurn(
  exchange: NodeExchange,
  life: Pick<ExchangeLife, "signal" | "isGone">,
): Promise<boolean> {
  if (!isQueued(exchange)) return true;
  if (!life.isGone()) {
    await new Promise<void>((resolve) => {
      exchange.res.once("socket", () => resolve());
      life.signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }
  return !life.isGone();
}

function isQueued({ req, res }: NodeExchange): boolean {
  if ("stream" in res || res.socket || isClosed(res)) return false;
  // Here Node keeps the response that owns the connection. Other environments with Node's interface may give a response
  // no socket at all.
  const socket = req.socket as { readonly _httpMessage?: unknown } | undefined;
  return Boolean(socket?._httpMessage);
}

/** Whether a response is closed together with its socket or stream. */
function ownsCarrier(res: NodeExchange["res"]): boolean {
  return "stream" in res || Boolean(res.socket);
}

function carrierOf({ req, res }: NodeExchange): Carrier | undefined {
  const carrier: Partial<Carrier> | undefined = "stream" in res ? res.stream : req.socket;
  return typeof carrier?.once === "function" ? (carrier as Carrier) : undefined;
}

/** The callbacks of each carrier. It has one listener, because a client may pipeline any number of requests. */
const callbacksOf = new WeakMap<Carrier, Set<() => void>>();

/** Calls back when a carrier is closed. @returns a function that cancels this. */
function onceClosed(carrier: Carrier, callback: () => void): () => void {
  const callbacks = callbacksOf.get(carrier) ?? new Set();
  if (!callbacksOf.has(carrier)) {
    callbacksOf.set(carrier, callbacks);
    carrier.once("close", () => {
      for (const call of callbacks) call();
    });
  }
  callbacks.add(callback);
  return () => callbacks.delete(callback);
}
