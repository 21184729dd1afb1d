import { invalidOption } from "../transports/invalid-option.js";

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

/** @param names - The allowed values, as in `a, b or c`. @throws {@link ProgressError} `invalid-option`. */
export function checkOneOf(name: string, value: unknown, names: string): void {
  if (!names.split(/, | or /).includes(value as string)) throw invalidOption(name, value, names);
}
