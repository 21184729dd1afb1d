import { ProgressError } from "@emlinh/progress-protocol";

/** The members of an object that are given: `undefined` means the default. */
export type Given<T> = { [Name in keyof T]: Exclude<T[Name], undefined> };

/** Copies an object without the members that are `undefined`. */
export function withoutUndefined<T extends object>(options: T): Given<T> {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Given<T>;
}

/**
 * Checks that a number, or each number of a list that is not empty, is above 0. `Infinity` is.
 *
 * @throws {@link ProgressError} `invalid-option`.
 */
export function checkPositive(name: string, value: unknown): void {
  const numbers: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isPositive = (number: unknown): boolean => typeof number === "number" && number > 0;
  if (numbers.length === 0 || !numbers.every(isPositive))
    throw invalidOption(name, value, "above 0");
}

/** The error for an option that has a wrong value. @param wanted - What it must be. */
export function invalidOption(name: string, value: unknown, wanted: string): ProgressError {
  const message = `The option "${name}" must be ${wanted}, but it is "${value}".`;
  return new ProgressError("invalid-option", { message });
}
