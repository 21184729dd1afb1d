import { addressOf, failure, mediaTypeOf, type RequestFailure, unexpected } from "./failure.js";
import { sendRequest } from "./http.js";
import { streamSession } from "./stream-session.js";
import type { TransportRequest } from "./transport.js";

const CONTENT_TYPE = "text/event-stream";

/** Opens a stream of what changed after the cursors in the url, and reads it to its end. */
export async function stream(request: TransportRequest): Promise<void> {
  const { signal, report } = request;
  const onBytes = streamSession(request);

  async function accepted({ status, headers, body }: Response): Promise<RequestFailure> {
    if (status === 204) {
      // The server says that this client has the job's end (P26), but it does not: the cursor is wrong.
      request.reader.readPoll(undefined);
      return unexpected(CONTENT_TYPE, "status 204", request);
    }
    const type = mediaTypeOf(headers);
    if (status !== 200 || type !== CONTENT_TYPE || !body)
      return unexpected(CONTENT_TYPE, type, request);
    const reader = body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted)
        return failure(`The stream of ${addressOf(request)} ended before the job did.`);
      onBytes(value);
    }
  }

  report(await sendRequest(request, { headers: { accept: CONTENT_TYPE } }, { accepted }));
}
