import type { Fields, Json } from "@emlinh/progress-protocol";
import { durationsOf } from "../../packages/server/src/core/learned-plan.js";
import type { EarlierRun, Recording } from "./recording.js";
import type { Case } from "./replay.js";

/** A kind of job, made up. */
interface Kind {
  readonly steps: readonly KindStep[];
}

interface KindStep {
  readonly id: string;
  readonly usualMs: number;
  readonly weight: number;
  /** Whether it takes longer in greater jobs. */
  readonly scales: boolean;
  readonly hasPercent: boolean;
  /** The percent rises as this power of the time: below 1 fast first, above 1 slowly first. */
  readonly curve: number;
  /** Whether it runs beside the step before. */
  readonly isParallel: boolean;
  /** Whether a third of the jobs skip it. */
  readonly isOptional: boolean;
}

/** From 0 up to 1. */
type Random = () => number;

/** How many deviations of a normal distribution. */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Which jobs are made up. */
interface Variety {
  readonly random: Random;
  /** The factor by which sizes usually differ from the mean one. */
  readonly sizeFactor: number;
  readonly hasSize: boolean;
}

const KINDS = 10;
const JOBS_PER_KIND = 40;

/**
 * Jobs of made-up kinds. Steps differ in length by factors of ten. A tenth of the jobs run on a machine that is two to
 * four times as slow, and in a tenth one step takes three times as long.
 */
export function syntheticCases({ random, sizeFactor, hasSize }: Variety): readonly Case[] {
  return Array.from({ length: KINDS }, () => kindOf(random)).flatMap((kind) => {
    const made = Array.from({ length: JOBS_PER_KIND }, () => makeJob(kind, sizeFactor, random));
    return made.map((job) => ({
      ...{ recording: job.recording, hasSize },
      earlier: made.filter((other) => other !== job).map(({ run }) => run),
    }));
  });
}

function kindOf(random: Random): Kind {
  const count = 3 + Math.floor(random() * 5);
  const steps = Array.from({ length: count }, (_, index) => {
    const usualMs = 1500 * Math.exp(normal(random));
    return {
      ...{ id: `step-${index}`, usualMs, weight: (usualMs / 1000) * Math.exp(normal(random) / 2) },
      ...{
        scales: random() < 0.6,
        hasPercent: random() < 0.5,
        curve: Math.exp(normal(random) / 5),
      },
      ...{ isParallel: index > 0 && random() < 0.2, isOptional: random() < 0.15 },
    };
  });
  return { steps };
}

interface Made {
  readonly recording: Recording;
  readonly run: EarlierRun;
}

function makeJob({ steps }: Kind, sizeFactor: number, random: Random): Made {
  const size = sizeFactor ** normal(random);
  const pace = random() < 0.1 ? 2 + 2 * random() : 1;
  const slow = random() < 0.1 ? Math.floor(random() * steps.length) : -1;
  const changes: [number, Fields][] = [];
  let [begunAt, endedAt] = [0, 0];
  for (const [index, step] of steps.entries()) {
    const { id, isOptional, isParallel, usualMs, scales } = step;
    const field = `steps.${id}`;
    if (!isParallel) begunAt = endedAt;
    if (isOptional && random() < 0.3) {
      changes.push([begunAt, { [field]: { status: "skipped", percent: null } }]);
      continue;
    }
    const factor = (scales ? size : 1) * pace * (index === slow ? 3 : 1);
    const ms = Math.round(usualMs * factor * Math.exp(normal(random) * 0.15));
    changes.push(...changesOf(step, begunAt, ms));
    endedAt = Math.max(endedAt, begunAt + ms);
  }
  changes.sort((a, b) => a[0] - b[0]);
  const plan = steps.map(({ id, weight }) => ({ id, title: id, weight }));
  changes.unshift([0, { status: "running", plan: plan as unknown as Json }]);
  const durations = durationsOf(Object.assign({ startedAt: 0 }, ...changes.map(([, set]) => set)));
  return {
    recording: { conditions: "made up", size, durationMs: endedAt, changes },
    run: { name: "", size, durations },
  };
}

function changesOf(
  { id, hasPercent, curve }: KindStep,
  startedAt: number,
  ms: number,
): [number, Fields][] {
  const field = `steps.${id}`;
  const running = (at: number, percent: number | null): [number, Fields] => [
    startedAt + at,
    { [field]: { status: "running", percent, startedAt } },
  ];
  const finishedAt = startedAt + ms;
  const parts = hasPercent ? Math.max(2, Math.min(25, Math.round(ms / 100))) : 1;
  const changes = Array.from({ length: parts - 1 }, (_, index) => {
    const part = (index + 1) / parts;
    return running(Math.round(ms * part), Math.round(1000 * part ** curve) / 10);
  });
  const end = { status: "completed", percent: 100, startedAt, finishedAt };
  return [running(0, null), ...changes, [finishedAt, { [field]: end }]];
}
