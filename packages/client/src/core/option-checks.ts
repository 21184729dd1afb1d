import { ProgressError } from "@emlinh/progress-protocol";
import { invalidOption, printed } from "../transports/invalid-option.js";

/** The members of an object that are given: `undefined` means the default. */
export type Given<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

/** Copies an object without the members that are `undefined`. */
export function withoutUndefined<T extends object>(options: T): Given<T> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Given<T>;
}

/**
 * Checks that a value is a number above 0, or a list of such numbers that is not empty. `Infinity` is allowed.
 *
 * @throws {@link ProgressError} `invalid-option`.
 */
export function checkPositive(name: string, value: unknown): void {
  const numbers: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isPositive = (number: unknown): boolean => typeof number === "number" && number > 0;
  if (numbers.length > 0 && numbers.every(isPositive)) return;
  throw invalidOption(
    name,
    value,
    numbers === value ? "a list of numbers above 0" : "a number above 0",
  );
}

/**
 * Checks that options are an object, and that each of their names is known.
 *
 * @throws {@link ProgressError} `invalid-option`, with the known name that is nearest to a misspelt one.
 */
export function checkNames(options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null) {
    const message = `The options must be an object with a baseUrl, but they are ${printed(options)}.`;
    throw new ProgressError("invalid-option", { message });
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const nearest = known.find((name) => isNear(name.toLowerCase(), unknown.toLowerCase()));
  const remedy = nearest ? `Did you mean "${nearest}"?` : `Known are ${known.join(", ")}.`;
  const message = `There is no option ${printed(unknown)}. ${remedy}`;
  throw new ProgressError("invalid-option", { message });
}

/** Whether two names differ in one place only, by at most two letters. */
function isNear(one: string, other: string): boolean {
  const length = Math.max(one.length, other.length);
  let start = 0;
  while (start < length && one[start] === other[start]) start += 1;
  let end = 0;
  while (end < length - start && one[one.length - 1 - end] === other[other.length - 1 - end])
    end += 1;
  return length - start - end <= 2;
}
