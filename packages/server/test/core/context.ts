import { afterEach, beforeEach, vi } from "vitest";
import {
  allowAnyone,
  createProgress,
  type Progress,
  type ProgressError,
  type ProgressOptions,
} from "../../src/index.js";
import { type FaultyStore, faultyStore } from "./faulty-store.js";

/** A progress over a store that the test can break. Time is fake: see {@link useFakeTime}. */
export interface TestContext {
  readonly progress: Progress;
  readonly store: FaultyStore;
  /** The errors that `onError` was called with. */
  readonly errors: ProgressError[];
  /** Creates a queued job and returns its id. */
  createJob(id?: string, subjects?: readonly string[]): Promise<string>;
  /** Writes fields and log lines to the store directly, as another process does. */
  setFields(id: string, fields: Record<string, unknown>, lines?: readonly string[]): Promise<void>;
}

/** Makes a context whose `random` always returns 0.5, so that jitter is the same in every run. */
export function makeContext(
  options: Partial<ProgressOptions> = {},
  store: FaultyStore = faultyStore(),
): TestContext {
  const errors: ProgressError[] = [];
  const progress = createProgress({
    store,
    authorize: allowAnyone,
    sweepIntervalMs: false,
    random: () => 0.5,
    onError: (error) => errors.push(error),
    ...options,
  });
  opened.push(progress);
  return {
    progress,
    store,
    errors,
    createJob: async (id, subjects) => (await progress.create({ kind: "test", id, subjects })).id,
    async setFields(id, fields, lines = []) {
      const log = lines.map((text) => ({ at: 1, level: "info" as const, text }));
      await store.write(id, { set: fields as Record<string, string>, log });
    },
  };
}

const opened: Progress[] = [];

/** Replaces the timers and clocks for each test of a file. After a test, every progress that it made is closed. */
export function useFakeTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ now: 1_700_000_000_000 });
  });
  afterEach(async () => {
    const closing = Promise.all(opened.splice(0).map((progress) => progress.close()));
    await vi.advanceTimersByTimeAsync(60_000);
    await closing;
    vi.useRealTimers();
  });
}

/** Advances the fake time, runs the timers that are due, and waits for the promises that settle meanwhile. */
export async function advance(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

/** Runs the microtasks that are queued, and those that they queue. No timer runs meanwhile. */
export async function flushMicrotasks(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

/** Runs microtasks until a condition holds. No timer runs meanwhile. */
export async function waitUntil(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) {
    if (condition()) return;
    await Promise.resolve();
  }
  throw new Error(`The condition does not hold after 1000 microtasks: ${condition}`);
}
