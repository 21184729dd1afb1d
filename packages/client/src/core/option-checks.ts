import { ProgressError } from "@emlinh/progress-protocol";
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

/**
 * Checks that options are an object, and that each of their names is known.
 *
 * @throws {@link ProgressError} `invalid-option`, with the known names that are like a wrong one, or with all.
 */
export function checkNames(options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || !options)
    throw invalidOption("options", options, "an object with a baseUrl");
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (!unknown) return;
  const begin = unknown.slice(0, 4).toLowerCase();
  const alike = known.filter((name) => name.toLowerCase().startsWith(begin));
  const message = `There is no option "${unknown}". Use ${(alike[0] ? alike : known).join(", ")}.`;
  throw new ProgressError("invalid-option", { message });
}
