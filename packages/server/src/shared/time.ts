/**
 * Milliseconds on a monotonic clock, for measuring durations. The time of day is not used for that: a correction of it
 * by an hour would stop the heartbeats for an hour, or close every stream at once.
 */
export function elapsed(): number {
  return performance.now();
}

/** The return type of `setTimeout` and `setInterval`. */
export type Timer = ReturnType<typeof setTimeout>;

/** The longest delay of a timer, in milliseconds: `setTimeout` fires at once if it is given a longer one. */
export const MAX_TIMER_MS: number = 2 ** 31 - 1;

/** Runs `task` once after `ms`, at most {@link MAX_TIMER_MS}. The timer does not keep the process alive. */
export function after(ms: number, task: () => void): Timer {
  return unref(setTimeout(task, Math.min(ms, MAX_TIMER_MS)));
}

/** Runs `task` every `ms`. The timer does not keep the process alive. */
export function every(ms: number, task: () => void): Timer {
  return unref(setInterval(task, Math.min(ms, MAX_TIMER_MS)));
}

function unref(timer: Timer): Timer {
  // Outside of Node a timer is a number.
  if (typeof timer === "object") timer.unref();
  return timer;
}

/** The bounds of a {@link backoffDelayMs}, in milliseconds. */
export interface BackoffRange {
  /** The wait after the first failure. @defaultValue `200` */
  readonly firstMs?: number | undefined;
  readonly maxMs: number;
}

/**
 * The wait before the next try, in milliseconds: doubles with each failure up to `maxMs`. Jitter shortens it by up to a
 * half, so that processes which failed together do not retry together.
 *
 * @param failures - Failures in a row, from 1.
 * @param random - From 0 inclusive to 1 exclusive.
 */
export function backoffDelayMs(
  failures: number,
  { firstMs = 200, maxMs }: BackoffRange,
  random: () => number,
): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 20));
  return full * (0.5 + random() / 2);
}

/**
 * Keeps the process alive while somebody waits for a promise of this library. A process without an open handle exits,
 * also if its main program still awaits one.
 *
 * @returns a function that lets the process exit again. Idempotent.
 */
export function keepProcessAlive(): () => void {
  const timer = setInterval(() => {}, MAX_TIMER_MS);
  return () => clearInterval(timer);
}

/**
 * Resolves or rejects as `promise` does, or rejects with `late()` after `ms`. A connection that was cut without notice
 * never answers by itself. The result of a promise that settles later is dropped. The process stays alive meanwhile,
 * since a caller waits.
 */
export function within<Result>(
  ms: number,
  promise: Promise<Result>,
  late: () => Error = () => new Error(`There was no answer within ${ms} ms.`),
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), Math.min(ms, MAX_TIMER_MS));
    promise.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
