import { ProgressError } from "@emlinh/progress-protocol";
import { unknownMember } from "./member-names.js";
import { MAX_TIMER_MS } from "./time.js";
import { isRecord, shown } from "./untyped.js";

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
  /** Refuses options that are no object, or that have others than the known ones, such as a misspelt one. */
  names(options: unknown, known: readonly string[]): void;
  /** The error for an option that was refused. */
  invalid(name: string, value: unknown, wanted: string): ProgressError;
}

/** The checks for the options of the function with this name. */
export function checksFor(functionName: string): OptionChecks {
  function invalid(name: string, value: unknown, wanted: string): ProgressError {
    return new ProgressError("invalid-option", {
      message: `${functionName}: ${name} is ${printed(value)}; it must be ${wanted}.`,
      details: { name, value: printed(value) },
    });
  }

  return {
    invalid,
    names(options, known) {
      if (!isRecord(options)) throw invalid("the options object", options, "an object");
      const unknown = unknownMember(options, known);
      if (unknown === undefined) return;
      throw new ProgressError("invalid-option", {
        message: `${functionName}: there is no option ${unknown}`,
        details: { options: Object.keys(options) },
      });
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

/** A wrong value, without quotes around a string. Never throws. */
function printed(value: unknown): string {
  return typeof value === "string" ? value.slice(0, 100) : shown(value);
}
