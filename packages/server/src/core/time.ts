/**
 * Milliseconds since some moment, by a clock that never jumps. All durations are measured with it: were it the time of day, a correction
 * by an hour would silence the heartbeats for an hour, or close every stream at once.
 */
export function elapsed(): number {
  return performance.now();
}

/** What `setTimeout` and `setInterval` give. */
export type Timer = ReturnType<typeof setTimeout>;

/** Runs `task` once after `ms`. Such a timer keeps no process alive: what waits for it has a socket, or work, that does. */
export function after(ms: number, task: () => void): Timer {
  return loose(setTimeout(task, ms));
}

/** Runs `task` each `ms`, and keeps no process alive. */
export function every(ms: number, task: () => void): Timer {
  return loose(setInterval(task, ms));
}

function loose(timer: Timer): Timer {
  // Outside of Node a timer is a number.
  if (typeof timer === "object") timer.unref();
  return timer;
}

/** The wait before the next try, in milliseconds: doubles from 200, is at most `maxMs`, and jitter only shortens it. */
export function backoffMs(failures: number, maxMs: number, random: () => number): number {
  const full = Math.min(maxMs, 200 * 2 ** Math.min(failures - 1, 20));
  return full * (0.5 + random() / 2);
}
