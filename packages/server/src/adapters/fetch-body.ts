import { bodyTimedOut, collectBody, refuseReadBody } from "../core/http/body.js";
import type { BodyLimits } from "../core/http/types.js";
import { clientGone, isOurs } from "../shared/errors.js";
import { within } from "../shared/time.js";

/**
 * Reads the body of a `Request`.
 *
 * @throws ProgressError `too-large`, `request-timed-out`, `invalid-request`, `closed`
 */
export async function readFetchBody(request: Request, limits: BodyLimits): Promise<string> {
  const { body } = request;
  if (request.bodyUsed || body?.locked) return refuseReadBody();
  const reader = body?.getReader();
  const collected = collectBody(limits);
  try {
    if (reader)
      await within(limits.timeoutMs, readAll(reader, collected.add), () => bodyTimedOut(limits));
  } catch (error) {
    // Nobody waits for the rest, so a failure to stop it is of no interest.
    reader?.cancel().catch(() => {});
    // Any other error is that of a connection that broke.
    throw isOurs(error) ? error : clientGone();
  }
  return collected.text();
}

async function readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  add: (chunk: Uint8Array) => void,
): Promise<void> {
  for (let read = await reader.read(); !read.done; read = await reader.read()) add(read.value);
}
