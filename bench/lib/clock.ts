/** Milliseconds since the epoch, finer than `Date.now`, and comparable between the processes of a machine. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
