import {
  type Change,
  type Cursor,
  type Delta,
  isTerminal,
  type ProgressStore,
  printCursor,
  type SweepReport,
  type WatchTarget,
} from "@emlinh/progress-server";
import type { StoreCapabilities } from "@emlinh/progress-server/testing";
import { assertEqual, assertRejects, assertTrue } from "@emlinh/progress-server/testing/assert";
import type { TestContext } from "@emlinh/progress-server/testing/context";
import {
  cursorParts,
  isRemoved,
  lastWriteAt,
  outcomesOf,
  QUEUED,
  range,
  versionOf,
  writeJob,
} from "@emlinh/progress-server/testing/fixtures";
import { changeOf, withoutProgress } from "./store-changes.js";
import { checkLists, type ListReadings, listReadings } from "./store-lists.js";
import { createModel, isLeasedAt, type ModelJob, type StoreModel } from "./store-model.js";
import { IDS, type Step, SUBJECTS, UNIT_MS } from "./store-steps.js";
import { type ExpectedWakes, watchAll } from "./store-wakes.js";

const LIMITS = { maxLogLines: 4, ttlMs: 2.25 * UNIT_MS, idleTtlMs: 5.25 * UNIT_MS };

/** A store and its model, side by side. */
export interface StoreDriver {
  /** The instances of the store. */
  readonly stores: readonly ProgressStore[];
  readonly model: StoreModel;
  readonly wakes: ExpectedWakes;
  readonly lists: ListReadings;
  readonly clock: StoreCapabilities["clock"];
  readonly context: TestContext;
  /** The store's time. A backend's clock counts as standing still, because a run is short. */
  now(): number;
}

/** Opens the instances and watches every job and list on each. */
export async function createDriver(
  context: TestContext,
  { clock, shared }: Pick<StoreCapabilities, "clock" | "shared">,
): Promise<StoreDriver> {
  const stores = await Promise.all(range(shared ? 2 : 1).map(() => context.open(LIMITS)));
  const model = createModel(LIMITS);
  const targets = [...IDS.map((jobId) => ({ jobId })), ...listsOf({ subjects: SUBJECTS })];
  const wakes = await watchAll(stores, targets, context);
  const lists = listReadings(model);
  const base = clock === "backend" ? await timeOf(stores, model) : undefined;
  return { stores, model, wakes, lists, clock, context, now: () => base ?? context.clock.now() };
}

/** The time of a backend, as a store returns it. The job that it creates is in the model too. */
async function timeOf(stores: readonly ProgressStore[], model: StoreModel): Promise<number> {
  const store = instance(stores, 0);
  const draft = { id: "time", set: QUEUED };
  const { cursor } = await store.create(draft);
  const now = await lastWriteAt(store, draft.id);
  model.create(draft, cursorParts(cursor).epoch, now);
  return now;
}

/** Does one step in the store and in the model. Fails the test if the answers differ. */
export async function takeStep(driver: StoreDriver, step: Step): Promise<void> {
  switch (step.do) {
    case "create":
      return create(driver, step);
    case "write":
      return write(driver, step);
    case "burst":
      return burst(driver, step);
    case "read":
      return read(driver, step);
    case "list":
      return driver.lists.readPage(instance(driver.stores, step.by), step);
    case "remove":
      return remove(driver, step);
    case "wait":
      return driver.context.clock.advance((step.halves * UNIT_MS) / 2);
    case "sweep":
      return sweep(driver, step);
  }
}

/** Reads every list, and every job after every version, and waits for the wakes of the last changes. */
export async function finish({ stores, model, wakes, clock }: StoreDriver): Promise<void> {
  for (const store of stores) {
    await checkLists(store, model);
    for (const [id, job] of model.jobs) {
      for (const by of range(job.history.version())) {
        const after = printCursor({ epoch: job.epoch, version: by + 1 });
        checkDelta(job, await store.read(id, after), by + 1);
      }
      const snapshot = await store.read(id);
      checkDelta(job, snapshot, undefined);
      if (clock === "backend") continue;
      const { createdAt, updatedAt } = snapshot?.set ?? {};
      const times = [job.createdAt, job.updatedAt];
      assertEqual([createdAt, updatedAt], times, "createdAt and updatedAt");
    }
  }
  await wakes.end();
}

async function create(
  { stores, model, wakes, now }: StoreDriver,
  { by, id, key, subjects, deadlineMs }: Step & { do: "create" },
): Promise<void> {
  const store = instance(stores, by);
  const draft = { id, key, subjects, deadlineMs, set: QUEUED };
  const known = model.jobWithKey(key);
  if (known === undefined && model.jobs.has(id)) {
    await assertRejects(store.create(draft), "invalid-change", "A taken id");
    return;
  }
  const listed = wakes.begin(listsOf(draft));
  const { jobId, cursor, created } = await store.create(draft);
  assertEqual([jobId, created], [known ?? id, known === undefined], "the result of create()");
  if (known === undefined) model.create(draft, cursorParts(cursor).epoch, now());
  if (known === undefined) listed();
  assertEqual(cursor, cursorOf(jobIn(model, jobId)), "the cursor that create() returned");
}

async function write(
  driver: StoreDriver,
  { by, id, ...step }: Pick<Step & { do: "write" }, "by" | "id" | "change" | "hold">,
): Promise<void> {
  const { stores, model, wakes, now } = driver;
  const store = instance(stores, by);
  const change = changeOf(step, model.jobs.get(id));
  const codes = model.refusal(id, change, now());
  if (codes !== undefined) {
    await assertRejects(store.write(id, change), codes, "A write");
    return;
  }
  const before = model.jobs.get(id)?.history.version();
  const changed = wakes.begin([{ jobId: id }]);
  const { cursor, now: at } = await store.write(id, change);
  checkNow(driver, at);
  model.write(id, change, now());
  const job = jobIn(model, id);
  assertEqual(cursor, cursorOf(job), "the cursor of a write");
  if (job.history.version() !== before) changed();
}

/** Writes concurrently, on the instances in turn, with a read beside each write. */
async function burst(driver: StoreDriver, step: Step & { do: "burst" }): Promise<void> {
  const { stores, model, wakes, now } = driver;
  const { by, id, changes } = step;
  const job = model.jobs.get(id);
  if (job === undefined || job.endedAt !== undefined) {
    for (const [index, change] of changes.entries())
      await write(driver, { by: by + index, id, change, hold: undefined });
    return;
  }
  const all = isLeasedAt(job, now()) ? changes.map(withoutProgress) : changes;
  const from = job.history.version();
  const changed = wakes.begin([{ jobId: id }]);
  const begun = all.map((change, index) => ({
    written: writeTo(instance(stores, by + index), id, change),
    read: instance(stores, by + index + 1).read(id, cursorOf(job)),
  }));
  const [{ fulfilled, rejected }, deltas] = await Promise.all([
    outcomesOf(begun.map(({ written }) => written)),
    Promise.all(begun.map((each) => each.read)),
  ]);
  const inOrder = fulfilled.toSorted((a, b) => a.version - b.version);
  for (const { change } of inOrder) model.write(id, change, now());
  assertEqual(
    inOrder.map(({ version }) => version),
    inOrder.map((_, index) => from + 1 + index),
    "the versions of concurrent writes",
  );
  await checkBurst(job, changes, { from, accepted: inOrder.length, rejected });
  for (const delta of deltas) checkDelta(job, delta, from);
  changed();
}

async function checkBurst(
  job: ModelJob,
  changes: readonly Change[],
  { from, accepted, rejected }: { from: number; accepted: number; rejected: readonly unknown[] },
): Promise<void> {
  assertEqual(job.history.version(), from + accepted, "the version after concurrent writes");
  assertTrue(
    changes.some(({ set }) => isTerminal(set.status)) === (job.endedAt !== undefined),
    "No end was accepted, although one of the concurrent writes was an end.",
  );
  if (job.endedAt === undefined) assertEqual(rejected.map(String), [], "refusals before the end");
  for (const reason of rejected)
    await assertRejects(Promise.reject(reason), "job-finished", "A write after the end");
}

async function writeTo(store: ProgressStore, id: string, change: Change) {
  return { change, version: versionOf(await writeJob(store, id, change)) };
}

async function read(driver: StoreDriver, { by, id, from }: Step & { do: "read" }): Promise<void> {
  const { stores, model } = driver;
  const store = instance(stores, by);
  const job = model.jobs.get(id);
  if (job === undefined) {
    if (!model.isRemoved(id)) assertEqual(await store.read(id), undefined, "an unknown job");
    else assertTrue(await isRemoved(store, id), "A removed job was returned.");
    return;
  }
  const [version, after] = position(job, from);
  const delta = await store.read(id, after);
  checkDelta(job, delta, version);
  checkNow(driver, delta?.now);
}

async function remove(
  { stores, model, wakes }: StoreDriver,
  { by, id }: Step & { do: "remove" },
): Promise<void> {
  const changed = wakes.begin([{ jobId: id }, ...listsOf(model.jobs.get(id))]);
  const isKnown = model.remove(id);
  const removed = await instance(stores, by).remove(id);
  assertEqual(removed, isKnown, "the result of remove()");
  if (isKnown) changed();
}

async function sweep(
  { stores, model, wakes, clock, now }: StoreDriver,
  { by, halves, isTwice }: Step & { do: "sweep" },
): Promise<void> {
  const at = halves === undefined ? now() : now() + sweepInMs(halves, clock);
  const jobs = [...model.jobs].map(([id, job]) => ({
    id,
    version: job.history.version(),
    changed: wakes.begin([{ jobId: id }]),
    left: wakes.begin(listsOf(job)),
  }));
  const reports = await Promise.all(
    (isTwice ? [by, by + 1] : [by]).map((each) =>
      instance(stores, each).sweep(halves === undefined ? undefined : at, 100),
    ),
  );
  assertEqual(reports.reduce(sum), model.sweep(at), "the sum of the sweep's reports");
  for (const { id, version, changed, left } of jobs) {
    if (model.jobs.get(id)?.history.version() !== version) changed();
    if (!model.jobs.has(id)) left();
  }
}

/** The lists of a job. */
function listsOf(job: Pick<ModelJob, "subjects"> | undefined): readonly WatchTarget[] {
  return (job?.subjects ?? []).map((subject) => ({ subject }));
}

function instance(stores: readonly ProgressStore[], by: number): ProgressStore {
  const store = stores[by % stores.length];
  assertTrue(store !== undefined, "There is no store.");
  return store;
}

function checkDelta(job: ModelJob, delta: Delta | undefined, from: number | undefined): void {
  assertTrue(delta !== undefined, "read() returned undefined for a job that exists.");
  assertEqual(cursorParts(delta.cursor).epoch, job.epoch, "the epoch");
  job.history.check(delta, from);
}

/** Checks the time that a store returned. A backend's clock advances, so its time is only near the model's. */
function checkNow({ clock, now }: StoreDriver, at: number | undefined): void {
  if (clock === "injected") assertEqual(at, now(), "the store's time");
  else assertTrue(Math.abs(Number(at) - now()) < UNIT_MS / 2, `The store's time is ${at}.`);
}

/** Where a backend's time advances: between two units, so that no transition is due at that very moment. */
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

function cursorOf({ epoch, history }: ModelJob): Cursor {
  return printCursor({ epoch, version: history.version() });
}

/** The version after which a reader must get the changes, and its cursor. */
function position(
  { epoch, history }: ModelJob,
  from: (Step & { do: "read" })["from"],
): [number | undefined, Cursor | undefined] {
  if (from === "nothing") return [undefined, undefined];
  if (from === "malformed") return [undefined, `${epoch}.01`];
  if (from === "other")
    return [undefined, printCursor({ epoch: `${epoch.slice(1)}x`, version: 1 })];
  if (from === "future") return [undefined, printCursor({ epoch, version: history.version() + 1 })];
  const version = 1 + Math.floor(from * (history.version() - 1));
  return [version, printCursor({ epoch, version })];
}
