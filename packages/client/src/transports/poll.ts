import { unexpected } from "./failure.js";
import { sendRequest } from "./http.js";
import { numberOf, parseJson } from "./json.js";
import { silenceLimit } from "./silence-limit.js";
import type { TransportEvent, TransportRequest } from "./transport.js";

/** A long poll that is answered sooner, and with nothing new, was not held. */
const MIN_HELD_MS = 1000;

/** Asks once what changed after the cursors in the url. */
export async function poll(request: TransportRequest): Promise<void> {
  const { clock, openTimeoutMs, holdMs, reader, onServerTime, report } = request;
  const startedAt = clock();
  silenceLimit(request)(openTimeoutMs + holdMs);

  async function accepted(response: Response): Promise<TransportEvent> {
    const text = await response.text();
    const data = parseJson(text);
    onServerTime(numberOf(data, "now", 0));
    const isNew = reader.readPoll(data);
    if (isNew === undefined) return unexpected(reader.expected, text, request);
    const mayBeUnheld = holdMs > 0 && !isNew;
    return { kind: "polled", unheld: mayBeUnheld && clock() - startedAt < MIN_HELD_MS };
  }

  report(await sendRequest(request, { headers: { accept: "application/json" } }, { accepted }));
}
