import { allowAnyone, createProgress, memoryStore, type Reporter } from "@emlinh/progress-server";
import { median } from "../figures.js";

/** The cost of a call that is merged with others. */
export interface UpdateCost {
  readonly name: string;
  /** Nanoseconds of CPU per call, one figure per round. */
  readonly ns: readonly number[];
  /** Bytes that a million calls keep on the heap, until the update is sent. */
  readonly retainedBytes: number;
}

/** Makes the call that is measured. */
type Report = (count: number) => void;

const REPORTS: Readonly<Record<string, (job: Reporter) => Report>> = {
  "update({ percent })": (job) => (count) => job.update({ percent: count % 100 }),
  "update({ message, metadata })": (job) => (count) =>
    job.update({ message: `Frame ${count}`, metadata: { frame: count, scene: "intro" } }),
  "step.update({ done, total })"(job) {
    const step = job.beginStep("render");
    return (count) => step.update({ done: count, total: 1_000_000_000 });
  },
};

/** Measures calls in one turn of the event loop. All of them are merged into one write, which comes after it. */
export async function measureUpdates(
  calls: number,
  rounds: number,
): Promise<readonly UpdateCost[]> {
  const store = memoryStore();
  const progress = createProgress({ store, authorize: allowAnyone, sweepIntervalMs: false });
  const costs: UpdateCost[] = [];
  for (const [name, reportOn] of Object.entries(REPORTS)) {
    const { id } = await progress.create({ kind: "bench" });
    const job = await progress.open(id);
    const report = reportOn(job);
    const ns: number[] = [];
    const retained: number[] = [];
    const rest = async () => {
      await job.flush();
      // The first call after a rest is sent at once.
      report(0);
    };
    // The first round is a warm-up.
    for (let round = 0; round <= rounds; round += 1) {
      await rest();
      const before = heapAfterGc();
      const begun = process.cpuUsage();
      for (let count = 0; count < calls; count += 1) report(count);
      const { user, system } = process.cpuUsage(begun);
      if (round === 0) continue;
      ns.push(((user + system) * 1_000) / calls);
      retained.push(((heapAfterGc() - before) / calls) * 1_000_000);
    }
    costs.push({ name, ns, retainedBytes: median(retained) });
    await job.complete(null);
  }
  await progress.close();
  await store.close();
  return costs;
}

function heapAfterGc(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
