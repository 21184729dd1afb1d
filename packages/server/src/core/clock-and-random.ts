import type { ProgressError } from "@emlinh/progress-protocol";
import { asProgressError } from "../shared/errors.js";
import { alwaysNumber } from "../shared/never-throws.js";

/** Where times and random numbers come from. */
interface Sources {
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** The app's clock and random numbers, or the default ones. A faulty one is told to `onError` once, and replaced. */
export function resolveClockAndRandom(
  { clock, random }: { readonly [Name in keyof Sources]?: Sources[Name] | undefined },
  onError: (error: ProgressError) => void,
): Sources {
  const onFault = (name: string, wanted: string) => (cause: unknown) => {
    const message = `createProgress: ${name}() threw or did not return ${wanted}, so the default is used.`;
    onError(asProgressError(cause, message));
  };
  return {
    clock:
      clock === undefined
        ? Date.now
        : alwaysNumber(clock, {
            isValid: Number.isFinite,
            fallback: Date.now,
            onFault: onFault("clock", "milliseconds since the epoch"),
          }),
    random:
      random === undefined
        ? Math.random
        : alwaysNumber(random, {
            isValid: (value) => value >= 0 && value <= 1,
            fallback: Math.random,
            onFault: onFault("random", "a number from 0 to 1"),
          }),
  };
}
