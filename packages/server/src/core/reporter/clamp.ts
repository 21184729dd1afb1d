/**
 * A percent that may follow another within one attempt (P13): from 0 to 100, never lower, cut to one decimal. What is known doesn't become
 * unknown again, so `null` after a number is that number.
 *
 * @param before - The last one; `null` or `undefined` if there was none.
 */
export function raisePercent(
  before: number | null | undefined,
  next: number | null | undefined,
): number | null {
  const last = before ?? null;
  if (next === null || next === undefined) return last;
  const cut = Math.floor(Math.max(0, Math.min(100, next)) * 10 + 1e-9) / 10;
  return Math.max(last ?? 0, cut);
}

/** The percent that so many of so many units are; `undefined` if there is nothing to count. */
export function percentOfUnits(
  done: number | undefined,
  total: number | undefined,
): number | undefined {
  return done === undefined || total === undefined || total <= 0 ? undefined : (done / total) * 100;
}

/** The most characters of a text that is reported. */
export const MAX_TEXT = 4096;

/** A text that fits; a cut one ends with "…". */
export function cutText(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  // Half of a surrogate pair would be shown as a box.
  return `${text.slice(0, MAX_TEXT - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
