import type { ProgressError } from "@emlinh/progress-protocol";

/** Reports an outage once, however many errors it has. */
export interface OutageReporter {
  /** Reports the error, unless an outage was reported and has not ended. */
  report(error: ProgressError): void;
  /** Ends the outage. Returns whether there was one. */
  end(): boolean;
}

/** @param onError - Called with the first error of each outage. Must not throw. */
export function outageReporter(onError: (error: ProgressError) => void): OutageReporter {
  let isOut = false;
  return {
    report(error) {
      if (isOut) return;
      isOut = true;
      onError(error);
    },
    end() {
      const wasOut = isOut;
      isOut = false;
      return wasOut;
    },
  };
}
