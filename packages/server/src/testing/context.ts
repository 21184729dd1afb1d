import type { ProgressStore } from "../core/store.js";
import { newEpoch } from "../shared/ids.js";
import { elapsed } from "../shared/time.js";
import { assertTrue } from "./assert.js";
import { createWaker, type Waker } from "./waker.js";

/** The options with which the suite asks for a store. */
export interface SuiteStoreOptions {
  /**
   * The name of the data, `[a-z0-9]{1,40}`. Stores made with the same space see the same jobs (if the store is `shared`
   * or `durable`); stores of different spaces never do. Use it as a prefix, a schema or a file name. It is new for each
   * test and each run.
   */
  readonly space: string;
  readonly maxLogLines: number;
  readonly ttlMs: number;
  readonly idleTtlMs: number;
  /**
   * The clock of the process that this store stands for, in milliseconds since the epoch. The tests advance it, and
   * give two instances different ones. A store that uses its backend's clock ignores it.
   */
  readonly clock: () => number;
}

/** Makes a store for one test. The suite closes it. */
export type MakeStore = (options: SuiteStoreOptions) => ProgressStore | Promise<ProgressStore>;

/** The ways in which stores may differ. Everything else is required of every store. */
export interface StoreCapabilities {
  /** Two instances over one space see each other's jobs and wake each other's watchers. */
  readonly shared: boolean;
  /** Jobs outlive `close()`: a later instance over the same space has them. */
  readonly durable: boolean;
  /** A removed job is remembered for a while, and answered with `job-expired`. */
  readonly tombstones: boolean;
  /**
   * `injected`: the store uses `clock`. `backend`: it uses its database's clock, and only `sweep(now)` can be given
   * another time.
   */
  readonly clock: "injected" | "backend";
  /** Milliseconds after which a wake counts as lost. @defaultValue `2_000` */
  readonly maxWakeMs?: number | undefined;
  /**
   * Deletes all data of a space from the backend while stores are open over it, as a database does that restarts
   * without its disk. Leave it out if that can't happen. Then the tests that need it are skipped.
   */
  readonly emptyBackend?: ((space: string) => Promise<void>) | undefined;
}

/** The options with which a test opens an instance. */
interface OpenOptions extends Partial<Omit<SuiteStoreOptions, "space" | "clock">> {
  /** Milliseconds by which the clock of the instance's process is ahead of the test's. @defaultValue `0` */
  readonly skewMs?: number | undefined;
}

/** The context of one test: its own space, a clock that stands still, and the stores that it opened. */
export interface TestContext {
  readonly clock: { now(): number; advance(ms: number): void };
  /** Opens a new instance over this test's space. */
  open(options?: OpenOptions): Promise<ProgressStore>;
  /** Opens an instance over another space, which has nothing in common with this test's. */
  openElsewhere(): Promise<ProgressStore>;
  /** Deletes this test's data from the backend. For tests that need `emptied`. */
  empty(): Promise<void>;
  /** A wake to pass to `watch`. */
  waker(): Waker;
  /** Checks about once per millisecond until `check` returns true. Fails the test if it is false after `maxWakeMs`. */
  eventually(what: string, check: () => Promise<boolean>): Promise<void>;
}

/** Far above every bound that a test does not set itself. */
const DEFAULTS = { maxLogLines: 200, ttlMs: 3_600_000, idleTtlMs: 86_400_000 };

/** On a busy machine `maxWakeMs` may pass before there was a second check. */
const MIN_CHECKS = 20;

/** Any time but the real one: a store that reads the wall clock must not pass by accident. */
const START = 1_700_000_000_000;

/** Runs one test in a new context, and closes the stores that it opened. */
export async function withContext(
  makeStore: MakeStore,
  { maxWakeMs = 2_000, emptyBackend }: Pick<StoreCapabilities, "maxWakeMs" | "emptyBackend">,
  run: (context: TestContext) => Promise<void>,
): Promise<void> {
  const space = newSpace();
  const opened: ProgressStore[] = [];
  const clock = stillClock();

  async function open(options: Omit<SuiteStoreOptions, keyof typeof DEFAULTS>) {
    const store = await makeStore({ ...DEFAULTS, ...options });
    opened.push(store);
    return store;
  }

  try {
    await run({
      clock,
      waker: () => createWaker(maxWakeMs),
      open({ skewMs = 0, ...options } = {}) {
        const skewed = (): number => clock.now() + skewMs;
        return open({ ...options, space, clock: skewed });
      },
      openElsewhere: () => open({ space: newSpace(), clock: clock.now }),
      async empty() {
        await emptyBackend?.(space);
      },
      async eventually(what, check) {
        const until = elapsed() + maxWakeMs;
        for (let checks = 1; !(await check()); checks += 1) {
          const isOver = checks >= MIN_CHECKS && elapsed() >= until;
          assertTrue(!isOver, `${what}: still false after ${maxWakeMs} ms.`);
          clock.advance(1);
          // For a store with its backend's clock, which advances by itself.
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      },
    });
  } finally {
    // The group `close` tests stores that can't be closed. Here such an error would hide the test's own.
    await Promise.allSettled(opened.map(async (store) => store.close()));
  }
}

function stillClock(): TestContext["clock"] {
  let now = START;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

function newSpace(): string {
  return `suite${newEpoch()}`;
}
