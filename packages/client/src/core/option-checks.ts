import { ProgressError } from "@emlinh/progress-protocol";

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

/** The error for an option that has a wrong value. @param wanted - A description of the right values. */
export function invalidOption(name: string, value: unknown, wanted: string): ProgressError {
  const message = `The option "${name}" must be ${wanted}, but it is "${String(value)}".`;
  return new ProgressError("invalid-option", { message });
}
