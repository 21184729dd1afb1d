import type { ProgressStore } from "../core/store.js";
import { holds } from "./assert.js";
import { createWaker, type Waker } from "./waker.js";

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
  /** The time of the process that this store stands for, which the tests move, and set differently for two of them. A store whose clock is its backend's leaves it alone. */
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
  /** `injected`: the store goes by `clock`. `backend`: it goes by its database's time, whatever a process' clock says, and only `sweep(now)` can be told another. */
  readonly clock: "injected" | "backend";
  /** Milliseconds after which a wake counts as lost. @defaultValue `2_000` */
  readonly maxWakeMs?: number | undefined;
  /**
   * Takes all data of a space out of the backend, behind the back of the stores that are open over it: as a database does that restarts without its
   * disk. Absent where that can't be, and the tests of it are skipped.
   */
  readonly emptyBackend?: ((space: string) => Promise<void>) | undefined;
}

/** What a test may ask of an instance that it opens. */
interface OpenOptions extends Partial<Omit<SuiteStoreOptions, "space" | "clock">> {
  /** Milliseconds by which the clock of the instance's process is ahead of the test's. @defaultValue `0` */
  readonly skewMs?: number | undefined;
}

/** The table on which one test works: a space of its own, a clock that stands still, and the stores that it opened. */
export interface Bench {
  readonly clock: { now(): number; advance(ms: number): void };
  /** A new instance over this test's space. */
  open(options?: OpenOptions): Promise<ProgressStore>;
  /** Takes this test's data out of the backend; for tests that need `emptied`. */
  empty(): Promise<void>;
  /** A wake to hand to `watch`. */
  waker(): Waker;
  /** Lets a millisecond pass and looks, again and again, until it holds; fails the test if that takes longer than `maxWakeMs`. */
  eventually(what: string, look: () => Promise<boolean>): Promise<void>;
}

/** Kept far away from any bound that a test doesn't mean to reach. */
const DEFAULTS = { maxLogLines: 200, ttlMs: 3_600_000, idleTtlMs: 86_400_000 };

/** Any time will do, as long as it isn't the real one: a store that looks at the wall would pass by luck. */
const START = 1_700_000_000_000;

/** Runs one test on a fresh bench, and closes what it opened. */
export async function onBench(
  makeStore: MakeStore,
  { maxWakeMs = 2_000, emptyBackend }: Pick<StoreCapabilities, "maxWakeMs" | "emptyBackend">,
  run: (bench: Bench) => Promise<void>,
): Promise<void> {
  const space = newSpace();
  const opened: ProgressStore[] = [];
  const clock = stillClock();
  try {
    await run({
      clock,
      waker: () => createWaker(maxWakeMs),
      async open({ skewMs = 0, ...options } = {}) {
        const own = (): number => clock.now() + skewMs;
        const store = await makeStore({ ...DEFAULTS, ...options, space, clock: own });
        opened.push(store);
        return store;
      },
      async empty() {
        await emptyBackend?.(space);
      },
      async eventually(what, look) {
        const until = performance.now() + maxWakeMs;
        while (!(await look())) {
          holds(performance.now() < until, `${what}: not so after ${maxWakeMs} ms.`);
          clock.advance(1);
          // For a store by its backend's time, which passes by itself.
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      },
    });
  } finally {
    // A store that can't be closed has its own tests; here its error would hide the one that matters.
    await Promise.allSettled(opened.map(async (store) => store.close()));
  }
}

function stillClock(): Bench["clock"] {
  let now = START;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

function newSpace(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(10));
  return `suite${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
