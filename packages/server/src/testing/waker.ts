import type { Wake } from "../core/store.js";
import { assertTrue } from "./assert.js";

/** The version that a wake was called with, if any. */
type WakeVersion = number | undefined;

/** Collects wakes and waits for them. */
export interface Waker {
  /** To be passed to `watch`. */
  readonly wake: Wake;
  /** The number of wakes so far. */
  count(): number;
  /** The version of each wake, in the order of the calls. */
  versions(): readonly WakeVersion[];
  /**
   * Resolves once there was a wake after the first `seen` ones. Fails the test if that takes longer than `maxWakeMs`.
   *
   * @param matches - Which wakes count. All of them, if it is left out.
   */
  wakeAfter(seen: number, matches?: (version: WakeVersion) => boolean): Promise<void>;
}

/** Makes a waker that waits at most `maxWakeMs`. */
export function createWaker(maxWakeMs: number): Waker {
  const versions: WakeVersion[] = [];
  let onWake = (): void => {};
  return {
    wake(version) {
      versions.push(version);
      onWake();
    },
    count: () => versions.length,
    versions: () => [...versions],
    async wakeAfter(seen, matches = () => true) {
      const hasCome = (): boolean => versions.slice(seen).some(matches);
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        onWake = () => {
          if (hasCome()) resolve();
        };
        timer = setTimeout(resolve, maxWakeMs);
        onWake();
      });
      clearTimeout(timer);
      assertTrue(
        hasCome(),
        `No wake came within ${maxWakeMs} ms of a change to a watched job, or none that its reader acts on. ` +
          `The wakes after the first ${seen} had these versions: ${list(versions.slice(seen))}.`,
      );
    },
  };
}

function list(versions: readonly WakeVersion[]): string {
  return versions.length === 0 ? "none" : versions.map((each) => each ?? "no version").join(", ");
}
