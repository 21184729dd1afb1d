import { setImmediate as turn } from "node:timers/promises";
import { isProgressError, type Progress, type Reporter } from "@emlinh/progress-server";
import { isOddValue, nested, ODD_ERROR, oddValue } from "../odd-values.js";
import type { Random } from "../random.js";

/** The ids of the jobs that the requests are about. */
const FUZZED_JOBS: readonly string[] = ["job-0", "job-1", "job-2", "job-3"];

/** The dependencies of {@link fuzzJobs}. */
export interface FuzzJobsContext {
  readonly progress: Progress;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** Called with each thing that must not happen. */
  readonly onFault: (fault: string) => void;
}

// biome-ignore lint/suspicious/noExplicitAny: the calls are those of untyped code.
type Untyped = any;

/** Creates, runs and ends jobs with odd values until the signal aborts. Resolves with the number of calls. */
export async function fuzzJobs(context: FuzzJobsContext): Promise<number> {
  const { progress, signal, onFault } = context;
  let calls = 0;
  const depth = await codeOf(
    progress.create({ kind: "deep", metadata: { deep: nested(4_100, true) as Untyped } }),
  );
  if (depth !== "invalid-change") onFault(`create() of 4,100 levels: ${depth}`);
  while (!signal.aborted) {
    calls += await callOddly(context);
    for (const id of FUZZED_JOBS) calls += await runOddly(context, id);
  }
  return calls;
}

/** Calls methods of the progress with odd values. */
async function callOddly({ progress, random, onFault }: FuzzJobsContext): Promise<number> {
  const odd = (): Untyped => oddValue(random);
  const id = random.pick(FUZZED_JOBS);
  const calls: Readonly<Record<string, () => Promise<unknown>>> = {
    create: () => progress.create(odd()),
    "create with metadata": () => progress.create({ kind: "odd", metadata: odd() }),
    "create with a plan": () => progress.create({ kind: "odd", plan: odd() }),
    "create with a step": () => progress.create({ kind: "odd", plan: [odd(), odd()] }),
    "create with options": () =>
      progress.create({ kind: odd(), id: odd(), key: odd(), message: odd(), deadlineMs: odd() }),
    "create with a definition": () => progress.create({ definition: odd() }),
    open: async () => (await progress.open(odd(), odd())).close(),
    "open with options": async () =>
      (await progress.open(id, { leaseMs: odd(), signal: odd() })).close(),
    run: () => progress.run(odd(), odd(), odd()),
    status: () => progress.status(odd()),
    update: () => progress.update(random.chance(0.5) ? id : odd(), odd()),
    cancel: () => progress.cancel(odd()),
    end: () => progress.end(random.chance(0.2) ? id : odd(), odd(), odd()),
    remove: () => progress.remove(random.chance(0.5) ? id : odd()),
    "watch with a listener": async () => (await progress.watch(id, odd()))(),
    "watch with a listener that rejects": async () => {
      const unwatch = await progress.watch(id, (async () => throwOdd(random)) as Untyped);
      await turn();
      unwatch();
    },
    handle: () =>
      progress.handle({
        method: "GET",
        path: `/${id}`,
        query: odd(),
        header: odd(),
        raw: odd(),
        signal: odd(),
      } as Untyped),
  };
  for (const [name, call] of Object.entries(calls)) await expectProgressError(name, call, onFault);
  return Object.keys(calls).length;
}

/** Runs one job, whose work reports odd values and ends oddly. */
async function runOddly(context: FuzzJobsContext, id: string): Promise<number> {
  const { progress, random, signal, onFault } = context;
  await progress.remove(id).catch(() => {});
  await progress.create({ kind: "odd", id, plan: random.chance(0.5) ? PLAN : [] }).catch(() => {});
  let calls = 0;
  const work = async (job: Reporter): Promise<Untyped> => {
    for (let round = 0; round < 5 && !signal.aborted; round += 1) {
      calls += reportOddly(context, job);
      await turn();
    }
    return endOddly(context, job);
  };
  await expectProgressError("run", () => progress.run(id, work, { attempt: "next" }), onFault);
  return calls;
}

const PLAN = [
  { id: "one", title: "One", weight: 1 },
  { id: "two", title: "Two", weight: 3 },
];

/** Reports once by each method. None of them may throw. */
function reportOddly({ random, onFault }: FuzzJobsContext, job: Reporter): number {
  const odd = (): Untyped => oddValue(random);
  const step = job.beginStep(random.pick(["one", "two", "three"]));
  const reports: Readonly<Record<string, () => unknown>> = {
    update: () => job.update(odd()),
    "update with percent": () => job.update({ percent: random.next() * 100 }),
    "update with members": () => job.update({ percent: odd(), message: odd(), metadata: odd() }),
    "update with metadata": () => job.update({ metadata: { [String(random.below(50))]: odd() } }),
    log: () => job.log(odd(), odd()),
    "log with data": () => job.log("line", { level: odd(), data: odd() }),
    beginStep: () => job.beginStep(odd()).complete(),
    "step.update": () => step.update(odd()),
    "step.update with members": () => step.update({ done: odd(), total: odd(), message: odd() }),
    "step.fail": () => (step.fail as Untyped)(odd()),
    skip: () => job.skip(odd()),
    state: () => JSON.stringify(job.state),
  };
  for (const [name, report] of Object.entries(reports)) {
    try {
      report();
    } catch (error) {
      onFault(`${name} threw ${print(error)}`);
    }
  }
  return Object.keys(reports).length;
}

/** Ends a job in one of the ways that there are. */
async function endOddly(context: FuzzJobsContext, job: Reporter): Promise<Untyped> {
  const { random, onFault } = context;
  const odd = (): Untyped => oddValue(random);
  const ends: Readonly<Record<string, () => Promise<unknown>>> = {
    complete: () => job.complete(odd()),
    fail: () => job.fail(odd()),
    end: () => job.end(odd(), odd()),
    "end with an error": () => job.end("failed", { message: odd(), error: odd() }),
    cancelled: () => job.cancelled(odd()),
    requeue: () => job.requeue(odd()),
    flush: () => job.flush(),
  };
  const [name, end] = random.pick(Object.entries(ends));
  await expectProgressError(name, end, onFault);
  if (random.chance(0.3)) return job.step(odd(), () => throwOdd(random));
  if (random.chance(0.3)) throwOdd(random);
  return odd();
}

function throwOdd(random: Random): never {
  throw oddValue(random);
}

/** A call settles in time. It may reject with one of our errors, or with the one that the value itself threw. */
async function expectProgressError(
  name: string,
  call: () => Promise<unknown>,
  onFault: (fault: string) => void,
): Promise<void> {
  const late = setTimeout(
    () => onFault(`${name} did not settle within ${SETTLE_MS} ms`),
    SETTLE_MS,
  );
  try {
    await call();
  } catch (error) {
    if (!isProgressError(error) && !isOwnError(error))
      onFault(`${name} rejected with ${print(error)}`);
  }
  clearTimeout(late);
}

const SETTLE_MS = 10_000;

/** Whether an odd value threw it, or is it. Node throws it for a proxy that was revoked. */
function isOwnError(error: unknown): boolean {
  if (isOddValue(error)) return true;
  try {
    if (!(error instanceof Error)) return true;
    return error.name === ODD_ERROR || error.message.includes("revoked");
  } catch {
    return true;
  }
}

function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "accepted",
    (error: unknown) => (isProgressError(error) ? error.code : print(error)),
  );
}

/** An error as text, also if it is one of the odd values. */
export function print(error: unknown): string {
  try {
    return String(error instanceof Error ? error.stack : error).slice(0, 600);
  } catch {
    return "an odd value";
  }
}
