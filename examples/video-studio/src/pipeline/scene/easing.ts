/** The value between two others; `share` from 0 to 1. */
export function mix(from: number, to: number, share: number): number {
  return from + (to - from) * share;
}

/** Held between two bounds, 0 and 1 unless told. */
export function clamp(value: number, least = 0, most = 1): number {
  return Math.max(least, Math.min(most, value));
}

/** From 0 to 1 within `length` after `start`, fast at first and gentle at the end. Units are the caller's. */
export function easeOut(now: number, start: number, length: number): number {
  return 1 - (1 - clamp((now - start) / length)) ** 3;
}

/** From 0 to 1 within `length` after `start`, gentle at both ends. */
export function easeInOut(now: number, start: number, length: number): number {
  const share = clamp((now - start) / length);
  return share * share * (3 - 2 * share);
}
