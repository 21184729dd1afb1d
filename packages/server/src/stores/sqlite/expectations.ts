import {
  type Durations,
  type Expectation,
  type Expectations,
  learnSteps,
  MAX_LEARNED,
} from "../../shared/expectations.js";
import type { Statements } from "./statements.js";
import type { Transaction } from "./transaction.js";

/** Steps in the order in which they were learned. An object would not keep the order of ids such as "2". */
type Steps = [step: string, known: Expectation][];

/** The work of one call of `learn`, to be run in a transaction. */
export function learnDurations(
  kind: string,
  durations: Durations,
): (transaction: Transaction) => void {
  const name = nameOf(kind);
  const copy = { ...durations };
  return ({ statements }) => {
    const stored = statements.stepsLearned(name);
    const steps = new Map(stepsIn(stored));
    learnSteps(steps, copy);
    if (steps.size === 0) return;
    statements.setStepsLearned(name, JSON.stringify([...steps] satisfies Steps));
    if (stored === undefined) statements.forgetKinds(MAX_LEARNED);
  };
}

/** Returns what is known of a kind. */
export function expectationsOf({ stepsLearned }: Statements, kind: string): Expectations {
  return Object.fromEntries(stepsIn(stepsLearned(nameOf(kind))));
}

function stepsIn(stored: string | undefined): Steps {
  return stored === undefined ? [] : JSON.parse(stored);
}

/** As JSON, because drivers end a text at its first NUL and store every lone surrogate as the same character. */
function nameOf(kind: string): string {
  return JSON.stringify(kind);
}
