import { type Fields, type Json, type PlanStep, stateOf } from "@emlinh/progress-protocol";
import { learnedPlan, withUnitTimes } from "../../packages/server/src/core/learned-plan.js";
import {
  type Expectation,
  type Expectations,
  learnSteps,
} from "../../packages/server/src/shared/expectations.js";
import type { EarlierRun, Recording } from "./recording.js";

/** The parts of its time at which a job is looked at. */
export const PARTS: readonly number[] = [0, 0.1, 0.25, 0.5, 0.75];

/** How far the ETA was from the truth at one part of the time. Errors are shares of the whole duration. */
export interface Accuracy {
  /** The mean error. `null` counts as an error of all the time that was left. */
  readonly error: number;
  /** The mean error where there was an ETA; `NaN` if there never was. */
  readonly shownError: number;
  /** The share of `null`. */
  readonly nulls: number;
}

/** A recording, and the runs from which those before it are drawn. */
export interface Case {
  readonly recording: Recording;
  readonly earlier: readonly EarlierRun[];
  /** Whether the app gives the size of each job. */
  readonly hasSize: boolean;
}

/** How often each recording is played, with other earlier runs each time. */
interface Draws {
  /** How many runs came before; 0 for the rule without expected times. */
  readonly runs: number;
  readonly rounds: number;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** Plays recordings, and compares the ETA at each of the {@link PARTS} with the time that was left. */
export function accuracyOf(cases: readonly Case[], draws: Draws): readonly Accuracy[] {
  const errors = PARTS.map((): { error: number; isNull: boolean }[] => []);
  for (const one of cases)
    for (let round = 0; round < (draws.runs === 0 ? 1 : draws.rounds); round += 1) {
      const expectations = expectationsOf(one, draws);
      for (const [index, part] of PARTS.entries())
        errors[index]?.push(errorAt(one, part * one.recording.durationMs, expectations));
    }
  return errors.map((all) => {
    const shown = all.filter(({ isNull }) => !isNull);
    return {
      error: meanOf(all.map(({ error }) => error)),
      shownError: meanOf(shown.map(({ error }) => error)),
      nulls: 1 - shown.length / all.length,
    };
  });
}

/** The mean error over all parts of the time. */
export function meanError(accuracy: readonly Accuracy[]): number {
  return meanOf(accuracy.map(({ error }) => error));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function expectationsOf({ earlier, hasSize }: Case, { runs, random }: Draws): Expectations {
  const known = new Map<string, Expectation>();
  for (let run = 0; run < runs; run += 1) {
    const job = earlier[Math.floor(random() * earlier.length)];
    if (job === undefined) throw new Error("There are no earlier jobs to draw from.");
    learnSteps(known, hasSize ? withUnitTimes(job.durations, job.size) : job.durations);
  }
  return Object.fromEntries(known);
}

function errorAt(
  { recording: { changes, durationMs, size }, hasSize }: Case,
  now: number,
  expectations: Expectations,
): { readonly error: number; readonly isNull: boolean } {
  const fields: Record<string, Json> = { startedAt: 0, updatedAt: 0 };
  for (const [at, set] of changes)
    if (at <= now || "plan" in set) Object.assign(fields, set, { updatedAt: Math.min(at, now) });
  const plan = fields.plan as unknown as readonly PlanStep[];
  const given = { plan, unweighted: new Set<string>(), size: hasSize ? size : undefined };
  fields.plan = learnedPlan(given, expectations) as unknown as Json;
  const { etaMs } = stateOf("job", fields as Fields, now);
  const leftMs = durationMs - now;
  return { error: Math.abs((etaMs ?? 0) - leftMs) / durationMs, isNull: etaMs === null };
}
