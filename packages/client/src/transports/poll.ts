import { type Delta, fromWire, type PollReply } from "@emlinh/progress-protocol";
import {
  type Dropped,
  dropped,
  type Exchange,
  exchange,
  jsonOf,
  type Refused,
} from "./exchange.js";

/** What changed after the cursor, and the server's time. */
export interface Polled {
  readonly kind: "polled";
  readonly delta: Delta;
  readonly now: number;
}

/** Asks once what changed; the url carries the cursor and how long the server may hold the answer (P24). */
export function poll(request: Exchange): Promise<Polled | Dropped | Refused> {
  return exchange<Polled>(
    request,
    { headers: { accept: "application/json" } },
    async (response) => {
      const reply = await jsonOf(response);
      const delta = fromWire(reply);
      return delta
        ? { kind: "polled", delta, now: (reply as PollReply).now }
        : dropped("The answer to a poll is no delta.", true);
    },
  );
}
