import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { allowAnyone, createProgress, JobFailure, memoryStore } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { listen } from "../lib/fan-out/contender.js";
import type { SoakAnswer, SoakOptions, SoakQuestion } from "../lib/soak/messages.js";
import { countTimers } from "../lib/soak/timers.js";

// A server whose jobs are created, updated, ended and removed all the time.
const { jobs } = JSON.parse(process.argv[2] ?? "") as SoakOptions;
const timers = countTimers();
// The ids of removed jobs are remembered up to a bound, which is reached while the server warms up.
const store = memoryStore({ maxTombstones: 100 });
const progress = createProgress({ store, authorize: allowAnyone });
const server = http.createServer(nodeProgress(progress, { base: "/progress" }));
const jobIds = new Set<string>();
let done = 0;
let isStopped = false;

const UPDATE_MS = 50;
const MAX_UPDATES = 100;

/** Runs one job after the other. */
async function runJobs(): Promise<void> {
  while (!isStopped) {
    const { id } = await progress.create({ kind: "soak", plan: ["render"] });
    jobIds.add(id);
    await work(id);
    // Viewers see the end before the job is removed.
    await pause(10 * UPDATE_MS);
    jobIds.delete(id);
    await progress.remove(id);
    done += 1;
  }
}

/** Completes most jobs; some fail, and some are cancelled. */
async function work(id: string): Promise<void> {
  const fate = Math.random();
  const updates = Math.ceil(Math.random() * MAX_UPDATES);
  await progress.run(id, (job) =>
    job.step("render", async (step) => {
      for (let count = 1; count <= updates && !isStopped; count += 1) {
        step.update({ done: count, total: updates, unit: "frames" });
        job.update({ message: `Frame ${count}`, metadata: { frame: count } });
        if (count % 20 === 0) job.log(`Scene ${count / 20}`);
        if (fate > 0.9 && count > updates / 2) await progress.cancel(id);
        job.signal.throwIfAborted();
        await pause(UPDATE_MS);
      }
      if (fate < 0.2) throw new JobFailure({ code: "no-disk", message: "The disk is full." });
      return null;
    }),
  );
}

async function answer({ id, stop, close }: SoakQuestion): Promise<SoakAnswer> {
  if (stop) {
    isStopped = true;
    await running;
  }
  if (close) {
    await progress.close();
    await store.close();
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  }
  globalThis.gc?.();
  const { heapUsed, rss } = process.memoryUsage();
  return {
    id,
    heapUsed,
    rss,
    jobIds: [...jobIds],
    done,
    metrics: progress.metrics(),
    timers: timers(),
  };
}

const port = await listen(server);
const running = Promise.all(Array.from({ length: jobs }, runJobs));
process.send?.({ port });
process.on("disconnect", () => process.exit());
process.on("message", async (message: SoakQuestion | "end") => {
  if (message === "end") process.exit();
  process.send?.(await answer(message));
});
