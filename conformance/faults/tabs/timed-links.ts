import { setImmediate, setTimeout } from "node:timers/promises";
import type { Links } from "../../../packages/client/test/support/tabs/links.js";

/**
 * Messages that arrive by themselves. Those of one sender to one receiver arrive in order; others overtake each other.
 *
 * @param delayMs - The time that the next message takes.
 */
export function timedLinks(delayMs: () => number): Pick<Links, "send"> {
  /** The last message of each link. */
  const lasts = new Map<string, Promise<void>>();
  return {
    send(from, to, task) {
      const name = `${from} ${to.name}`;
      const ms = delayMs();
      const wait = ms > 0 ? setTimeout(ms) : setImmediate();
      const before = lasts.get(name);
      const sent = (async () => {
        await Promise.all([wait, before]);
        to.run(task);
      })();
      lasts.set(name, sent);
    },
  };
}
