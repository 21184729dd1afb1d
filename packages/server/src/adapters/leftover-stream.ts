import { every } from "../shared/time.js";
import type { NodeResponse } from "./node-exchange.js";

/** How often an HTTP/2 stream is checked between the end of its response and its own end. */
const CHECK_MS = 250;

/**
 * Destroys the HTTP/2 stream of a response once its client has closed it. Call it when the response ends.
 *
 * Node does not, if the client closes the stream with NO_ERROR while a write waits, as a Node client does that destroys
 * its session. The write never completes, and neither the stream nor the session is ever destroyed. Node emits nothing
 * then, and ends its own time limits of the stream.
 */
export function destroyOnceClosed(res: NodeResponse): void {
  if (!("stream" in res)) return;
  const { stream } = res;
  const timer = every(CHECK_MS, () => {
    if (stream.closed) stream.destroy();
  });
  stream.once("close", () => clearInterval(timer));
}
