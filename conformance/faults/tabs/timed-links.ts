import { setImmediate as afterTurn } from "node:timers";
import { setImmediate, setTimeout } from "node:timers/promises";
import type { Links } from "../../../packages/client/test/support/tabs/links.js";

/** Messages that arrive by themselves. */
export interface TimedLinks extends Pick<Links, "send"> {
  /** Resolves when no message is on its way for a few turns of the event loop. */
  settled(): Promise<void>;
}

/** A message of a `BroadcastChannel` may need some turns before the link has it. */
const QUIET_TURNS = 5;

/**
 * Makes links on which the messages of one sender to one receiver arrive in order; others overtake each other.
 *
 * @param delayMs - The time that the next message takes.
 */
export function timedLinks(delayMs: () => number): TimedLinks {
  /** The last message of each link. */
  const lasts = new Map<string, Promise<void>>();
  let underWay = 0;
  return {
    send(from, to, task) {
      const name = `${from} ${to.name}`;
      const ms = delayMs();
      const wait = ms > 0 ? setTimeout(ms) : setImmediate();
      const before = lasts.get(name);
      underWay += 1;
      const sent = (async () => {
        await Promise.all([wait, before]);
        underWay -= 1;
        // A page that goes on first reads the data that have waited for it, and then the messages.
        to.run(() => void afterTurn(() => to.run(task)));
      })();
      lasts.set(name, sent);
    },
    async settled() {
      for (let quiet = 0; quiet < QUIET_TURNS; quiet += 1) {
        await setImmediate();
        if (underWay > 0) quiet = 0;
      }
    },
  };
}
