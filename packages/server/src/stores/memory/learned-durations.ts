import {
  type Durations,
  type Expectation,
  type Expectations,
  learned,
} from "../../shared/expectations.js";

/** What completed jobs have taught, by kind. */
export interface LearnedDurations {
  learn(kind: string, durations: Durations): void;
  expectations(kind: string): Expectations;
  clear(): void;
}

/** Kinds that are kept, and steps of each. */
const MAX_LEARNED = 1_000;

/** Knows nothing at first. Maps, because kinds and step ids may have names such as `__proto__`. */
export function learnedDurations(): LearnedDurations {
  const kinds = new Map<string, Map<string, Expectation>>();
  return {
    learn(kind, durations) {
      const steps = kinds.get(kind) ?? new Map<string, Expectation>();
      for (const [step, ms] of Object.entries(durations))
        setNewest(steps, step, Object.freeze(learned(steps.get(step), ms)));
      if (steps.size > 0) setNewest(kinds, kind, steps);
    },
    expectations: (kind) => Object.fromEntries(kinds.get(kind) ?? []),
    clear() {
      kinds.clear();
    },
  };
}

/** Sets an entry as the newest of its map, and drops the oldest one if the map is full. */
function setNewest<Value>(map: Map<string, Value>, name: string, value: Value): void {
  map.delete(name);
  map.set(name, value);
  if (map.size <= MAX_LEARNED) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}
