/**
 * How long to wait before the next try, in milliseconds.
 *
 * Jitter only shortens the table's delay, by up to a half. The server's floor is never gone below (P41): where it is the longer of
 * the two the jitter goes above it, or all whom it sent away would return together.
 *
 * @param attempt - Failed tries in a row, from 1; past the table's end its last delay counts.
 * @param random - 0 inclusive to 1 exclusive.
 */
export function backoffMs(
  attempt: number,
  delaysMs: readonly number[],
  floorMs: number,
  random: number,
): number {
  const delayMs = nth(delaysMs, attempt - 1);
  const own = delayMs * (1 - random / 2);
  return own >= floorMs ? own : floorMs + (random * delayMs) / 2;
}

/** The entry at an index, or the last one past the end; `Infinity` if there is none. */
export function nth(list: readonly number[], index: number): number {
  return list[Math.min(index, list.length - 1)] ?? Number.POSITIVE_INFINITY;
}
