/**
 * The percent that follows another within one attempt (P13): from 0 to 100, never lower than before, cut to one
 * decimal. A known percent does not become unknown again: `null` after a number is that number.
 *
 * @param before - The previous percent; `null` or `undefined` if there was none.
 */
export function raisePercent(
  before: number | null | undefined,
  next: number | null | undefined,
): number | null {
  const last = before ?? null;
  if (next === null || next === undefined) return last;
  // Cut, not rounded. The small term undoes binary noise, such as 0.3 × 100 / 3.
  const cut = Math.floor(Math.max(0, Math.min(100, next)) * 10 + 1e-9) / 10;
  return Math.max(last ?? 0, cut);
}

/** The percent that `done` of `total` units are, or `undefined` if there is nothing to count. */
export function percentOfUnits(
  done: number | undefined,
  total: number | undefined,
): number | undefined {
  return done === undefined || total === undefined || total <= 0 ? undefined : (done / total) * 100;
}
