import {
  type Durations,
  type Expectation,
  type Expectations,
  learnSteps,
  setNewest,
} from "../../shared/expectations.js";

/** The durations that completed jobs have taught, by kind. */
export interface LearnedDurations {
  learn(kind: string, durations: Durations): void;
  expectations(kind: string): Expectations;
  clear(): void;
}

/** Knows nothing at first. The kinds that were learned least recently are dropped. */
export function learnedDurations(): LearnedDurations {
  const kinds = new Map<string, Map<string, Expectation>>();
  return {
    learn(kind, durations) {
      const steps = kinds.get(kind) ?? new Map<string, Expectation>();
      learnSteps(steps, durations);
      if (steps.size > 0) setNewest(kinds, kind, steps);
    },
    expectations: (kind) => Object.fromEntries(kinds.get(kind) ?? []),
    clear() {
      kinds.clear();
    },
  };
}
