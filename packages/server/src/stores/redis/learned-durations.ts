import type { Durations, Expectation, Expectations } from "../../core/store.js";
import { MIN_LEARNING_RATE } from "../../shared/expectations.js";
import { textOf } from "./client.js";
import type { RedisKeys } from "./keys.js";
import { integerText, type RedisScripts } from "./lua/scripts.js";
import type { RunScript } from "./run-script.js";

/** The durations that completed jobs have taught, by kind. */
export interface LearnedDurations {
  learn(kind: string, durations: Durations): Promise<void>;
  expectations(kind: string): Promise<Expectations>;
}

/** Milliseconds for which a kind is kept after it was last learned: 100 days. */
const KEEP_MS = 8_640_000_000;

/** Steps that are kept of a kind. */
const MAX_STEPS = 1_000;

/** Options of {@link learnedDurations}. */
export interface LearnedDurationsOptions {
  readonly run: RunScript;
  readonly scripts: RedisScripts;
  readonly keys: RedisKeys;
}

/** The learned durations of one store. */
export function learnedDurations(options: LearnedDurationsOptions): LearnedDurations {
  const { run, scripts, keys } = options;
  return {
    async learn(kind, durations) {
      const steps = Object.entries(durations);
      if (steps.length === 0) return;
      // The logarithms of two machines may differ in the last digit, so the scripts compute none.
      const values = steps.flatMap(([step, ms]) => [step, String(Math.log(ms))]);
      const bounds = [integerText(KEEP_MS), integerText(MAX_STEPS), String(MIN_LEARNING_RATE)];
      await run(scripts.learn, [keys.kind(kind)], [...bounds, ...values]);
    },

    async expectations(kind) {
      const reply = (await run(scripts.readLearned, [keys.kind(kind)], [])) as readonly unknown[];
      const known: [string, Expectation][] = [];
      for (let at = 0; at < reply.length; at += 2)
        known.push([textOf(reply[at]), expectationOf(textOf(reply[at + 1]))]);
      return Object.fromEntries(known);
    },
  };
}

/** A stored expectation: "<count> <mean> <variance> <time>". */
function expectationOf(text: string): Expectation {
  const [count, mean, variance] = text.split(" ").map(Number);
  return { count: count ?? 0, mean: mean ?? 0, variance: variance ?? 0 };
}
