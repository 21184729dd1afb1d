import { type JsonObject, ProgressError } from "@emlinh/progress-protocol";
import { unknownMember } from "./member-names.js";
import { MAX_TIMER_MS } from "./time.js";
import { isLiteral, isRecord, shown } from "./untyped.js";

/**
 * Checks the options of one function. Each check returns the value, or throws `invalid-option` and names the function.
 */
export interface OptionChecks {
  /** A whole number from `least`, or `Infinity`. */
  count(name: string, value: number, least: number): number;
  /** A positive number of milliseconds, or `Infinity`. */
  duration(name: string, value: number): number;
  /** A positive number of milliseconds that fits into a timer. */
  timer(name: string, value: number): number;
  /** An array of at most 1,000 members. The copy is returned, so that the length stays as it was checked. */
  list(name: string, value: unknown, wanted: string): readonly unknown[];
  /** A function, or `undefined`. */
  callback(name: string, value: unknown): void;
  /** `true`, `false` or `undefined`. */
  flag(name: string, value: unknown): void;
  /**
   * Refuses options that are no object, or that have others than the known ones, such as a misspelt one. An instance of
   * a class with other members was passed in place of the options, such as the client of a database.
   */
  names(options: unknown, known: readonly string[]): void;
  /** The error for an option that was refused. */
  invalid(name: string, value: unknown, wanted: string): ProgressError;
  /** The error for a fault that is no wrong value. @param fault - Sentences that include the remedy. */
  fault(fault: string): ProgressError;
}

/** A sparse array of untyped code may have a length of billions: to iterate over it would take minutes. */
const MAX_LIST_LENGTH = 1_000;

/**
 * The checks for the options of the function with this name.
 *
 * @param call - A right call, such as `redisStore({ client })`, which is shown if the options are no object.
 */
export function checksFor(functionName: string, call?: string): OptionChecks {
  const wantedOptions = call === undefined ? "an object" : `an object, as in ${call}`;

  function error(message: string, details: JsonObject): ProgressError {
    return new ProgressError("invalid-option", { message: `${functionName}: ${message}`, details });
  }

  function invalid(name: string, value: unknown, wanted: string): ProgressError {
    const text = shown(value);
    return error(`${name} is ${text}; it must be ${wanted}.`, { name, value: text });
  }

  return {
    invalid,
    fault: (fault) => error(fault, {}),
    names(options, known) {
      if (!isRecord(options)) throw invalid("the options object", options, wantedOptions);
      const unknown = unknownMember(options, known);
      if (unknown === undefined) return;
      if (!isLiteral(options)) throw invalid("the options object", options, wantedOptions);
      throw error(`there is no option ${unknown}`, { options: Object.keys(options) });
    },
    list(name, value, wanted) {
      if (!Array.isArray(value)) throw invalid(name, value, wanted);
      const { length } = value;
      if (length > MAX_LIST_LENGTH)
        throw error(`${name} has ${length} members; it must have at most ${MAX_LIST_LENGTH}.`, {
          name,
        });
      return Array.from({ length }, (_, index) => value[index]);
    },
    callback(name, value) {
      if (value !== undefined && typeof value !== "function")
        throw invalid(name, value, "a function");
    },
    flag(name, value) {
      if (value !== undefined && typeof value !== "boolean")
        throw invalid(name, value, "true or false");
    },
    count(name, value, least) {
      if (value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && value >= least))
        return value;
      throw invalid(name, value, `a whole number from ${least}, or Infinity`);
    },
    duration(name, value) {
      // Untyped code may pass a string, which would compare like its number.
      if (typeof value === "number" && value > 0) return value;
      throw invalid(name, value, "a positive number of milliseconds, or Infinity");
    },
    timer(name, value) {
      if (typeof value === "number" && value > 0 && value <= MAX_TIMER_MS) return value;
      throw invalid(name, value, `a number of milliseconds above 0 and at most ${MAX_TIMER_MS}`);
    },
  };
}
