import type { Schedule } from "@emlinh/progress-client";

/** A clock and its timers, both moved by hand: nothing fires unless a test says so. */
export interface FakeTime {
  clock(): number;
  readonly schedule: Schedule;
  /** Moves on, firing each timer at its moment. */
  advance(ms: number): void;
  /** The device sleeps: the clock goes on, the timers don't. */
  sleep(ms: number): void;
  /** Milliseconds until each timer that is pending, in the order in which they are due. */
  pending(): number[];
  /** Resolves when a timer of this delay has been set, now or later. */
  untilPending(ms: number): Promise<void>;
}

export function fakeTime(start = 1_700_000_000_000): FakeTime {
  let now = start;
  let sleptMs = 0;
  const timers = new Set<{ dueAt: number; run(): void }>();
  const awaited: { ms: number; resolve(): void }[] = [];
  const awake = (): number => now - sleptMs;

  return {
    clock: () => now,
    schedule(run, delayMs) {
      const timer = { dueAt: awake() + Math.max(0, delayMs), run };
      timers.add(timer);
      for (const { ms, resolve } of awaited) if (ms === delayMs) resolve();
      return () => timers.delete(timer);
    },
    advance(ms) {
      const until = awake() + ms;
      for (;;) {
        const next = [...timers].sort((a, b) => a.dueAt - b.dueAt)[0];
        if (next === undefined || next.dueAt > until) break;
        timers.delete(next);
        now += Math.max(0, next.dueAt - awake());
        next.run();
      }
      now += until - awake();
    },
    sleep(ms) {
      now += ms;
      sleptMs += ms;
    },
    untilPending(ms) {
      if ([...timers].some(({ dueAt }) => dueAt - awake() === ms)) return Promise.resolve();
      return new Promise((resolve) => awaited.push({ ms, resolve }));
    },
    pending: () => [...timers].map(({ dueAt }) => dueAt - awake()).sort((a, b) => a - b),
  };
}
