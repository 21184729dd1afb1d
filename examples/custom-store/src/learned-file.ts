import {
  type Durations,
  type Expectation,
  type Expectations,
  learned,
} from "@emlinh/progress-server";
import { loadItems, saveItems } from "./json-file.js";
import { createTurns } from "./turns.js";

/** The durations that completed jobs have taught, in a file of their own. */
export interface LearnedFile {
  learn(kind: string, durations: Durations): Promise<void>;
  expectations(kind: string): Promise<Expectations>;
  /** Resolves when all calls were answered. */
  idle(): Promise<void>;
}

/** Maps, because kinds and step ids may be names such as `__proto__`. */
type Steps = ReadonlyMap<string, Expectation>;
type Kinds = Map<string, Steps>;

/** A kind as it is in the file. */
type StoredKind = readonly [kind: string, steps: readonly (readonly [string, Expectation])[]];

/** The kinds that were learned least recently are forgotten above this number. */
const MAX_KINDS = 1_000;

export function openLearnedFile(path: string): LearnedFile {
  const { inTurn, idle } = createTurns();
  let kinds: Kinds | undefined;

  async function loaded(): Promise<Kinds> {
    kinds ??= new Map(
      (await loadItems<StoredKind>(path)).map(([kind, steps]) => [kind, new Map(steps)]),
    );
    return kinds;
  }

  return {
    learn: (kind, durations) =>
      inTurn(async () => {
        const all = await loaded();
        const steps = stepsAfter(all.get(kind), durations);
        // The newest kind comes last.
        const others = [...all].filter(([name]) => name !== kind);
        const next: Kinds = new Map([...others, [kind, steps] as const].slice(-MAX_KINDS));
        await saveItems(
          path,
          [...next].map(([name, known]) => [name, [...known]]),
        );
        kinds = next;
      }),

    expectations: (kind) =>
      inTurn(async () => Object.fromEntries((await loaded()).get(kind) ?? [])),

    idle,
  };
}

/** What is known of the steps of a kind after one more job. */
function stepsAfter(known: Steps = new Map(), durations: Durations): Steps {
  const steps = new Map(known);
  for (const [step, ms] of Object.entries(durations)) steps.set(step, learned(steps.get(step), ms));
  return steps;
}
