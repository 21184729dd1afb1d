/** The value between two others. `share` is from 0 to 1. */
export function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/** Limits a value to a range. */
export function clamp(value: number, min = 0, max = 1): number {
  return Math.max(min, Math.min(max, value));
}

/** Goes from 0 to 1 within `length` after `start`, fast at first and slow at the end. All times have the same unit. */
export function easeOut(now: number, start: number, length: number): number {
  return 1 - (1 - clamp((now - start) / length)) ** 3;
}

/** Goes from 0 to 1 within `length` after `start`, slow at both ends. */
export function easeInOut(now: number, start: number, length: number): number {
  const share = clamp((now - start) / length);
  return share * share * (3 - 2 * share);
}
