import type { Readable } from "node:stream";
import { bodyTimedOut, collectBody, refuseReadBody } from "../core/http/body.js";
import type { BodyLimits } from "../core/http/types.js";
import { clientGone } from "../shared/errors.js";
import { after } from "../shared/time.js";

/**
 * Reads the body of a Node request. A body that a parser of the app has read is taken from `req.body`.
 *
 * @throws ProgressError `too-large`, `request-timed-out`, `invalid-request`, `closed`
 */
export async function readNodeBody(req: Readable, limits: BodyLimits): Promise<string> {
  if (req.readableEnded) return parsedBody(req, limits);
  if (req.destroyed) throw clientGone();
  return readStream(req, limits);
}

function readStream(req: Readable, limits: BodyLimits): Promise<string> {
  const body = collectBody(limits);
  return new Promise((resolve, reject) => {
    const timer = after(limits.timeoutMs, () => settle(() => reject(bodyTimedOut(limits))));
    // Strings come from a stream whose encoding other code has set.
    const onData = (chunk: unknown) => body.add(bytesOf(chunk));
    const onEnd = () => settle(() => resolve(undefined));
    const onGone = () => settle(() => reject(clientGone()));

    function settle(result: () => void): void {
      clearTimeout(timer);
      req.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
      // Bytes that still arrive are dropped, so that the connection can be used again.
      req.resume();
      result();
    }

    req.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  }).then(() => body.text());
}

/** The text of a body that a parser, such as `express.json()`, has read. */
function parsedBody(req: Readable, limits: BodyLimits): string {
  const { body } = req as { readonly body?: unknown };
  if (body === undefined) return refuseReadBody();
  const collected = collectBody(limits);
  collected.add(bytesOf(body));
  return collected.text();
}

function bytesOf(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body;
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}
