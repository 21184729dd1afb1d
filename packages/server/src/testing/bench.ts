import type { ProgressStore } from "../core/store.js";
import { holds } from "./assert.js";

/** What the suite asks of a store that it wants made. */
export interface SuiteStoreOptions {
  /**
   * Names the data, `[a-z0-9]{1,40}`: stores made with one space see the same jobs (if the store is `shared` or `durable`), and those of
   * different spaces never do. Use it as a prefix, a schema or a file name; it is new for each test, and in each run.
   */
  readonly space: string;
  readonly maxLogLines: number;
  readonly ttlMs: number;
  readonly idleTtlMs: number;
  /** The time, which the tests move. A store whose clock is its backend's leaves it alone. */
  readonly clock: () => number;
}

/** Makes a store for one test; the suite closes it. */
export type MakeStore = (options: SuiteStoreOptions) => ProgressStore | Promise<ProgressStore>;

/** What differs from store to store. What isn't named here, every store does. */
export interface StoreCapabilities {
  /** Two instances over one space see each other's jobs and wake each other's watchers. */
  readonly shared: boolean;
  /** Jobs outlive `close()`: a later instance over the same space has them. */
  readonly durable: boolean;
  /** A removed job is remembered for a while, and answered with `job-expired`. */
  readonly tombstones: boolean;
  /** `injected`: the store takes `clock`. `backend`: it takes its database's time, and only `sweep(now)` can be told another. */
  readonly clock: "injected" | "backend";
  /** Milliseconds after which a wake counts as lost. @defaultValue `2_000` */
  readonly maxWakeMs?: number | undefined;
}

/** The table on which one test works: a space of its own, a clock that stands still, and the stores that it opened. */
export interface Bench {
  readonly clock: { now(): number; advance(ms: number): void };
  /** A new instance over this test's space. */
  open(options?: Partial<Omit<SuiteStoreOptions, "space" | "clock">>): Promise<ProgressStore>;
  /** A wake to hand to `watch`. */
  waker(): Waker;
}

/** Counts wakes, and waits for them. */
export interface Waker {
  readonly wake: () => void;
  count(): number;
  /** Resolves once there were more than `seen` wakes; fails the test if that takes longer than `maxWakeMs`. */
  past(seen: number): Promise<void>;
}

/** Kept far away from any bound that a test doesn't mean to reach. */
const DEFAULTS = { maxLogLines: 200, ttlMs: 3_600_000, idleTtlMs: 86_400_000 };

/** Any time will do, as long as it isn't the real one: a store that looks at the wall would pass by luck. */
const START = 1_700_000_000_000;

/** Runs one test on a fresh bench, and closes what it opened. */
export async function onBench(
  makeStore: MakeStore,
  { maxWakeMs = 2_000 }: Pick<StoreCapabilities, "maxWakeMs">,
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const space = newSpace();
  const opened: ProgressStore[] = [];
  let now = START;
  const clock = {
    now: () => now,
    advance(ms: number) {
      now += ms;
    },
  };
  try {
    await run({
      clock,
      waker: () => waker(maxWakeMs),
      async open(options) {
        const store = await makeStore({ ...DEFAULTS, ...options, space, clock: clock.now });
        opened.push(store);
        return store;
      },
    });
  } finally {
    // A store that can't be closed has its own tests; here its error would hide the one that matters.
    await Promise.allSettled(opened.map(async (store) => store.close()));
  }
}

function newSpace(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return `suite${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function waker(maxWakeMs: number): Waker {
  let count = 0;
  let notify = (): void => {};
  return {
    wake() {
      count += 1;
      notify();
    },
    count: () => count,
    async past(seen) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        notify = () => {
          if (count > seen) resolve();
        };
        timer = setTimeout(resolve, maxWakeMs);
        notify();
      });
      clearTimeout(timer);
      holds(count > seen, `No wake came within ${maxWakeMs} ms of a change to a watched job.`);
    },
  };
}
