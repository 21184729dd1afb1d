import { checkedField, type Fields, type Json, type PlanStep } from "@emlinh/progress-protocol";
import { asProgressError, isOurs } from "../shared/errors.js";
import type { Expectations } from "../shared/expectations.js";
import { createOutage } from "../shared/outage.js";
import { elapsed, within } from "../shared/time.js";
import type { GuardedStore } from "./guarded-store.js";
import { durationsOf, learnedPlan, type UninformedPlan } from "./learned-plan.js";
import type { Settings } from "./options.js";
import type { JobDraft } from "./store.js";

/** Learns from completed jobs how long steps take, and tells new jobs. A failure of it harms no job. */
export interface Learner {
  /**
   * Adds what earlier jobs of the kind have taught to the plan of a draft. If the store does not tell it soon, the
   * draft stays as it is. Never rejects.
   *
   * @param unweighted - The ids of the steps whose weights the app did not give.
   */
  inform(draft: JobDraft, unweighted: ReadonlySet<string>): Promise<JobDraft>;
  /** Teaches the store the times of a job that was completed. Never throws, and nobody waits for it. */
  readonly learn: (fields: Fields) => void;
  /** Resolves when what was learned is stored, and at the latest after a second. Never rejects. */
  settled(): Promise<void>;
}

interface LearnerContext {
  readonly store: GuardedStore;
  readonly settings: Pick<Settings, "onError" | "random">;
}

/** Milliseconds that a creation waits for what is known. */
const READ_TIMEOUT_MS = 500;
/** Milliseconds for which this process uses what it has read. */
const CACHE_MS = 5_000;
/** Kinds that are cached; the ones read first go first. */
const MAX_CACHED_KINDS = 1_000;
/** The longest wait between two tries while the store fails. */
const MAX_RETRY_MS = 30_000;
const SETTLE_TIMEOUT_MS = 1_000;
/** The answer while the store is not asked. */
const NOTHING: Expectations = {};

/** Makes a learner that knows nothing. The first error in a row goes to `onError`. */
export function createLearner({ store, settings }: LearnerContext): Learner {
  const outage = createOutage(MAX_RETRY_MS, settings.random);
  const cache = expectationsCache(store);
  const pending = new Set<Promise<void>>();

  function failed(error: unknown, message: string): void {
    // The app has closed its store, which ends the learning too.
    if (isOurs(error, "closed")) return;
    if (outage.failed()) settings.onError(asProgressError(error, message));
  }

  async function read(kind: string): Promise<Expectations> {
    if (outage.isOn() && elapsed() < outage.retryAt()) return NOTHING;
    return cache.read(kind);
  }

  async function teach(kind: string, fields: Fields): Promise<void> {
    try {
      const durations = durationsOf(fields);
      if (Object.keys(durations).length === 0) return;
      await store.learn(kind, durations);
      cache.forget(kind);
      outage.ended();
    } catch (error) {
      failed(error, `The times of a job of the kind "${kind}" could not be stored.`);
    }
  }

  return {
    async inform(draft, unweighted) {
      const { kind, plan } = draft.set;
      if (typeof kind !== "string" || !Array.isArray(plan) || plan.length === 0) return draft;
      try {
        const expectations = await within(READ_TIMEOUT_MS, read(kind));
        if (expectations === NOTHING) return draft;
        outage.ended();
        return informed(draft, learnedPlan(uninformed(draft, unweighted), expectations));
      } catch (error) {
        // A later creation asks again.
        cache.forget(kind);
        failed(error, `The usual times of jobs of the kind "${kind}" could not be read.`);
        return draft;
      }
    },
    learn(fields) {
      const learning = teach(String(fields.kind), fields).finally(() => pending.delete(learning));
      pending.add(learning);
    },
    async settled() {
      await within(SETTLE_TIMEOUT_MS, Promise.all(pending)).catch(() => {});
    },
  };
}

/** The fields of a draft were checked when it was made. */
function uninformed({ set }: JobDraft, unweighted: ReadonlySet<string>): UninformedPlan {
  const { plan, size } = set as unknown as Pick<UninformedPlan, "plan" | "size">;
  return { plan, unweighted, size };
}

/** @throws ProgressError `too-large` for a plan that is as long as may be without the times. */
function informed(draft: JobDraft, plan: readonly PlanStep[]): JobDraft {
  const { value } = checkedField("plan", plan as unknown as Json);
  return { ...draft, set: { ...draft.set, plan: value } };
}

/** The answers of the store, for a short time. Calls at the same time share one. */
interface ExpectationsCache {
  /** @throws ProgressError as the store does. */
  read(kind: string): Promise<Expectations>;
  forget(kind: string): void;
}

function expectationsCache(store: GuardedStore): ExpectationsCache {
  const answers = new Map<string, { readonly readAt: number; answer: Promise<Expectations> }>();
  return {
    read(kind) {
      const known = answers.get(kind);
      if (known !== undefined && elapsed() - known.readAt < CACHE_MS) return known.answer;
      const answer = store.expectations(kind);
      answers.delete(kind);
      answers.set(kind, { readAt: elapsed(), answer });
      const [oldest] = answers.keys();
      if (answers.size > MAX_CACHED_KINDS && oldest !== undefined) answers.delete(oldest);
      return answer;
    },
    forget(kind) {
      answers.delete(kind);
    },
  };
}
