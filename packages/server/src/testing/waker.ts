import type { Wake } from "../core/store.js";
import { holds } from "./assert.js";

/** What a wake tells: the version that was written, or nothing. */
type Told = number | undefined;

/** Collects wakes, and waits for them. */
export interface Waker {
  /** To be handed to `watch`. */
  readonly wake: Wake;
  count(): number;
  /** What each wake told, in the order in which they came. */
  told(): readonly Told[];
  /**
   * Resolves once there was a wake after the first `seen` ones; fails the test if that takes longer than `maxWakeMs`.
   *
   * @param counts - Which wakes count; all, if it isn't given.
   */
  past(seen: number, counts?: (told: Told) => boolean): Promise<void>;
}

/** A waker that waits `maxWakeMs` at most. */
export function createWaker(maxWakeMs: number): Waker {
  const told: Told[] = [];
  let notify = (): void => {};
  return {
    wake(version) {
      told.push(version);
      notify();
    },
    count: () => told.length,
    told: () => [...told],
    async past(seen, counts = () => true) {
      const hasCome = (): boolean => told.slice(seen).some(counts);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        notify = () => {
          if (hasCome()) resolve();
        };
        timer = setTimeout(resolve, maxWakeMs);
        notify();
      });
      clearTimeout(timer);
      holds(
        hasCome(),
        `No wake came within ${maxWakeMs} ms of a change to a watched job, or none that its reader would follow; after the first ${seen} they told ${describe(told.slice(seen))}.`,
      );
    },
  };
}

function describe(told: readonly Told[]): string {
  return told.length === 0 ? "nothing" : told.map((version) => version ?? "no version").join(", ");
}
