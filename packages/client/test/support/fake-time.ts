import type { Schedule } from "@emlinh/progress-client";

/**
 * A clock and its timers. Both move only when a test moves them. A copy by `...` has the two options of a watch and
 * nothing else.
 */
export interface FakeTime {
  clock(): number;
  readonly schedule: Schedule;
  /** Moves the clock, and runs each timer when it is due. */
  advance(ms: number): void;
  /** Simulates a device that sleeps: the clock moves, the timers do not. */
  sleep(ms: number): void;
  /** Milliseconds until each pending timer is due, in ascending order. */
  pending(): number[];
  /** Resolves once a timer is pending that is due in this time. */
  untilPending(ms: number): Promise<void>;
}

export function fakeTime(start = 1_700_000_000_000): FakeTime {
  let now = start;
  let sleptMs = 0;
  const timers = new Set<{ dueAt: number; run(): void }>();
  const awaited: { ms: number; resolve(): void }[] = [];
  const awake = (): number => now - sleptMs;

  const options: Pick<FakeTime, "clock" | "schedule"> = {
    clock: () => now,
    schedule(run, delayMs) {
      const timer = { dueAt: awake() + Math.max(0, delayMs), run };
      timers.add(timer);
      for (const { ms, resolve } of awaited) if (ms === delayMs) resolve();
      return () => timers.delete(timer);
    },
  };
  const controls: Omit<FakeTime, "clock" | "schedule"> = {
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
  return Object.assign(Object.create(controls) as typeof controls, options);
}
