import type { ServerResponse } from "node:http";
import { destroyOnceClosed } from "./leftover-stream.js";
import type { NodeExchange } from "./node-exchange.js";
import { cutOff } from "./write-stream.js";

/**
 * Cuts a response whose client takes no bytes for a time, or has closed it. Call it before the body is written. Node
 * counts the time from the last progress of a write.
 */
export function limitStall({ res }: NodeExchange, stallMs: number | undefined): void {
  destroyOnceClosed(res);
  if (stallMs === undefined || !Number.isFinite(stallMs)) return;
  if ("stream" in res) res.stream.setTimeout(stallMs, () => cutOff(res));
  else limitSocket(res, stallMs);
}

/** The limit belongs to the socket, which other responses use later: it is taken back when this one is complete. */
function limitSocket(res: ServerResponse, stallMs: number): void {
  const { socket } = res;
  // A request that a test injects has a socket without time limits.
  if (typeof socket?.setTimeout !== "function") return;
  const before = socket.timeout ?? 0;
  if (before > 0 && before <= stallMs) return;
  const onTimeout = () => cutOff(res);
  socket.setTimeout(stallMs);
  // With a listener here, the server leaves the socket to it.
  res.once("timeout", onTimeout);
  // First of all listeners: those of Node begin the time for which the connection is kept, or the next response.
  res.prependOnceListener("finish", () => {
    res.off("timeout", onTimeout);
    socket.setTimeout(before);
  });
}
