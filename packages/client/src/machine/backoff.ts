/**
 * The wait before the next attempt, in milliseconds.
 *
 * Jitter only shortens the delay of the table, by up to a half. The result is never below the server's floor (P41). If
 * the floor is the longer of the two, jitter is added to it; otherwise all clients that the server sent away would
 * return together.
 *
 * @param attempt - Failed attempts in a row, from 1. Past the end of the table its last delay applies.
 * @param random - 0 inclusive to 1 exclusive.
 */
export function backoffDelayMs(
  attempt: number,
  delaysMs: readonly number[],
  floorMs: number,
  random: number,
): number {
  const delayMs = delayAt(delaysMs, attempt - 1);
  const jitteredMs = delayMs * (1 - random / 2);
  return jitteredMs >= floorMs ? jitteredMs : floorMs + (random * delayMs) / 2;
}

/** The delay at an index, or the last one past the end; `Infinity` for an empty list. */
export function delayAt(delaysMs: readonly number[], index: number): number {
  return delaysMs[Math.min(index, delaysMs.length - 1)] ?? Infinity;
}
