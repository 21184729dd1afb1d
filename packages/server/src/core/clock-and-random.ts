import { asProgressError } from "../shared/errors.js";
import { alwaysNumber } from "../shared/never-throws.js";
import type { ProgressOptions, Settings } from "./options.js";

type Sources = "clock" | "random";

/** The app's clock and random numbers, or the default ones. A faulty one is told to `onError` once, and replaced. */
export function resolveClockAndRandom(
  { clock, random }: Pick<ProgressOptions, Sources>,
  onError: Settings["onError"],
): Pick<Settings, Sources> {
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
