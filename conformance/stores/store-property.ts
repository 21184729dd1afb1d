import {
  type Change,
  type Cursor,
  type Delta,
  isTerminal,
  type ProgressStore,
  printCursor,
  type SweepReport,
} from "@emlinh/progress-server";
import type { MakeStore, StoreCapabilities } from "@emlinh/progress-server/testing";
import { assertEqual, assertRejects, assertTrue } from "@emlinh/progress-server/testing/assert";
import { type TestContext, withContext } from "@emlinh/progress-server/testing/context";
import {
  cursorParts,
  isRemoved,
  outcomesOf,
  QUEUED,
  range,
  versionOf,
  lastWriteAt,
} from "@emlinh/progress-server/testing/fixtures";
import fc from "fast-check";
import { createModel, type ModelJob, type StoreModel } from "./store-model.js";
import { IDS, type Step, stepsOf, UNIT_MS } from "./store-steps.js";
import { watchAll } from "./store-wakes.js";

const LIMITS = { maxLogLines: 4, ttlMs: 2.25 * UNIT_MS, idleTtlMs: 5.25 * UNIT_MS };

/**
 * Drives a store through random sequences of everything that can be done to one, and compares each answer with a naive model's. A sequence that
 * goes wrong is made as short as it can be and thrown, with the seed to play it again.
 *
 * @param capabilities - Those that the suite is given; with `shared`, two instances take turns.
 * @param parameters - fast-check's; by default 30 sequences of up to 40 steps.
 */
export async function storeProperty(
  makeStore: MakeStore,
  capabilities: Pick<StoreCapabilities, "clock" | "shared" | "maxWakeMs">,
  parameters: fc.Parameters<[readonly Step[]]> = {},
): Promise<void> {
  const property = fc.asyncProperty(stepsOf(capabilities.clock), (steps) =>
    withContext(makeStore, capabilities, async (context) => {
      const play = await begin(context, capabilities);
      for (const step of steps) await play.take(step);
      await play.finish();
    }),
  );
  await fc.assert(property, { numRuns: 30, includeErrorInReport: true, ...parameters });
}

interface Play {
  take(step: Step): Promise<void>;
  /** Reads every job from every version on, and waits for the wakes that are owed. */
  finish(): Promise<void>;
}

async function begin(
  context: TestContext,
  { clock, shared }: Pick<StoreCapabilities, "clock" | "shared">,
): Promise<Play> {
  const stores = await Promise.all(range(shared ? 2 : 1).map(() => context.open(LIMITS)));
  const model = createModel(LIMITS);
  const wakes = await watchAll(stores, IDS, context);
  const base = clock === "backend" ? await timeOf(storeBy(0), model) : undefined;

  function storeBy(by: number): ProgressStore {
    const store = stores[by % stores.length];
    assertTrue(store !== undefined, "There is no store.");
    return store;
  }

  function now(): number {
    return base ?? context.clock.now();
  }

  async function create({ by, id, key, deadlineMs }: Step & { do: "create" }): Promise<void> {
    const draft = { id, key, deadlineMs, set: QUEUED };
    const known = model.jobWithKey(key);
    if (known === undefined && model.jobs.has(id)) {
      await assertRejects(storeBy(by).create(draft), "invalid-change", "A taken id");
      return;
    }
    const { jobId, cursor, created } = await storeBy(by).create(draft);
    assertEqual([jobId, created], [known ?? id, known === undefined], "what create() told");
    if (known === undefined) model.create(draft, cursorParts(cursor).epoch, now());
    assertEqual(cursor, cursorIn(jobIn(model, jobId)), "the cursor that create() told");
  }

  async function write({ by, id, change }: Step & { do: "write" }): Promise<void> {
    const codes = model.refusal(id, change);
    if (codes !== undefined) {
      await assertRejects(storeBy(by).write(id, change), codes, "A write");
      return;
    }
    const before = model.jobs.get(id)?.told.version();
    const owed = wakes.begin(id);
    const cursor = await storeBy(by).write(id, change);
    model.write(id, change, now());
    const job = jobIn(model, id);
    assertEqual(cursor, cursorIn(job), "the cursor of a write");
    if (job.told.version() !== before) owed();
  }

  /** Writes at once, by both instances in turn, with a read beside each. */
  async function burst({ by, id, changes }: Step & { do: "burst" }): Promise<void> {
    const job = model.jobs.get(id);
    if (job === undefined || job.endedAt !== undefined) {
      for (const [index, change] of changes.entries())
        await write({ do: "write", by: by + index, id, change });
      return;
    }
    const from = job.told.version();
    const owed = wakes.begin(id);
    const begun = changes.map((change, index) => {
      const told = writeBy(by + index, id, change);
      return { told, read: storeBy(by + index + 1).read(id, cursorIn(job)) };
    });
    const [{ fulfilled, rejected }, deltas] = await Promise.all([
      outcomesOf(begun.map(({ told }) => told)),
      Promise.all(begun.map(({ read }) => read)),
    ]);
    const inOrder = fulfilled.toSorted((a, b) => a.version - b.version);
    for (const { change } of inOrder) model.write(id, change, now());
    assertEqual(
      inOrder.map(({ version }) => version),
      inOrder.map((_, index) => from + 1 + index),
      "the versions of writes at once",
    );
    assertEqual(
      job.told.version(),
      from + inOrder.length,
      "the writes before the end, against all taken",
    );
    assertTrue(
      changes.some(({ set }) => isTerminal(set.status)) === (job.endedAt !== undefined),
      "Of writes at once no end was taken, though there was one.",
    );
    if (job.endedAt === undefined)
      assertEqual(rejected.map(String), [], "refusals of a job that goes on");
    for (const reason of rejected)
      await assertRejects(Promise.reject(reason), "job-finished", "A write after the end");
    for (const delta of deltas) check(job, delta, from);
    owed();
  }

  async function writeBy(by: number, id: string, change: Change) {
    return { change, version: versionOf(await storeBy(by).write(id, change)) };
  }

  async function read({ by, id, from }: Step & { do: "read" }): Promise<void> {
    const job = model.jobs.get(id);
    if (job === undefined) {
      if (!model.isRemoved(id))
        assertEqual(await storeBy(by).read(id), undefined, "an unknown job");
      else assertTrue(await isRemoved(storeBy(by), id), "A removed job is still told.");
      return;
    }
    const [version, after] = standing(job, from);
    check(job, await storeBy(by).read(id, after), version);
  }

  function check(job: ModelJob, delta: Delta | undefined, from: number | undefined): void {
    assertTrue(delta !== undefined, "A job that is there was told as undefined.");
    assertEqual(cursorParts(delta.cursor).epoch, job.epoch, "the epoch");
    job.told.check(delta, from);
  }

  async function sweep({ by, halves, isTwice }: Step & { do: "sweep" }): Promise<void> {
    const at = halves === undefined ? now() : now() + sweepInMs(halves, clock);
    const kept = [...model.jobs].map(([id, job]) => ({
      id,
      version: job.told.version(),
      owed: wakes.begin(id),
    }));
    const reports = await Promise.all(
      (isTwice ? [by, by + 1] : [by]).map((each) =>
        storeBy(each).sweep(halves === undefined ? undefined : at, 100),
      ),
    );
    assertEqual(
      reports.reduce(sum),
      model.sweep(at),
      "what the sweep reports, or two at once together",
    );
    for (const { id, version, owed } of kept)
      if (model.jobs.get(id)?.told.version() !== version) owed();
  }

  return {
    async take(step) {
      switch (step.do) {
        case "create":
          return create(step);
        case "write":
          return write(step);
        case "burst":
          return burst(step);
        case "read":
          return read(step);
        case "wait":
          return context.clock.advance((step.halves * UNIT_MS) / 2);
        case "sweep":
          return sweep(step);
      }
    },
    async finish() {
      for (const store of stores) {
        for (const [id, job] of model.jobs) {
          for (const version of range(job.told.version()))
            check(
              job,
              await store.read(id, printCursor({ epoch: job.epoch, version: version + 1 })),
              version + 1,
            );
          const snapshot = await store.read(id);
          check(job, snapshot, undefined);
          if (clock === "backend") continue;
          const { createdAt, updatedAt } = snapshot?.set ?? {};
          assertEqual(
            [createdAt, updatedAt],
            [job.createdAt, job.updatedAt],
            "createdAt and updatedAt",
          );
        }
      }
      await wakes.end();
    },
  };
}

/** Halfway between two units where a backend's time runs on: so nothing is due by a hair. */
function sweepInMs(halves: number, clock: StoreCapabilities["clock"]): number {
  return clock === "injected" ? (halves * UNIT_MS) / 2 : (Math.floor(halves / 2) + 0.5) * UNIT_MS;
}

function sum(a: SweepReport, b: SweepReport): SweepReport {
  return {
    stale: a.stale + b.stale,
    lost: a.lost + b.lost,
    timedOut: a.timedOut + b.timedOut,
    expired: a.expired + b.expired,
    more: a.more || b.more,
  };
}

function jobIn(model: StoreModel, id: string): ModelJob {
  const job = model.jobs.get(id);
  assertTrue(job !== undefined, `The model has no job "${id}".`);
  return job;
}

function cursorIn({ epoch, told }: ModelJob): Cursor {
  return printCursor({ epoch, version: told.version() });
}

/** The version from which a reader must be told, and the cursor with which it asks. */
function standing(
  { epoch, told }: ModelJob,
  from: (Step & { do: "read" })["from"],
): [number | undefined, Cursor | undefined] {
  if (from === "nothing") return [undefined, undefined];
  if (from === "malformed") return [undefined, `${epoch}.01`];
  if (from === "other")
    return [undefined, printCursor({ epoch: `${epoch.slice(1)}x`, version: 1 })];
  if (from === "future") return [undefined, printCursor({ epoch, version: told.version() + 1 })];
  const version = 1 + Math.floor(from * (told.version() - 1));
  return [version, printCursor({ epoch, version })];
}

/** A backend's time, found as a store tells it; the job that it takes is in the model too. */
async function timeOf(store: ProgressStore, model: StoreModel): Promise<number> {
  const draft = { id: "time", set: QUEUED };
  const { cursor } = await store.create(draft);
  const now = await lastWriteAt(store, draft.id);
  model.create(draft, cursorParts(cursor).epoch, now);
  return now;
}
