// The time from a worker's report to a reader's socket. The worker, the web process and the reader are three processes.
import { allowAnyone, createProgress } from "@emlinh/progress-server";
import { openStore } from "../conformance/stores/open-store.js";
import { withEachBackend } from "./lib/backends.js";
import { now } from "./lib/clock.js";
import { printTable, quantile, round } from "./lib/figures.js";
import { openStream, startProgram, startWeb } from "./lib/processes.js";

const JOBS = 100;
const PER_SECOND = 10;
const SECONDS = 15;

const rows = await withEachBackend(async (name, address) => {
  const { store, close } = await openStore(address);
  const progress = createProgress({ store, authorize: allowAnyone, sweepIntervalMs: false });
  const jobIds: string[] = [];
  for (let index = 0; index < JOBS; index += 1)
    jobIds.push((await progress.create({ kind: "bench" })).id);
  const web = await startWeb(address);
  const samplesMs: number[] = [];
  const stops = await Promise.all(
    jobIds.map((jobId) =>
      openStream(web.port, jobId, (text) => {
        for (const [, at] of text.matchAll(/"metadata\.at":([0-9.]+)/gu))
          samplesMs.push(now() - Number(at));
      }),
    ),
  );
  const worker = startProgram("worker", {
    address,
    jobIds,
    everyMs: 1_000 / PER_SECOND,
    updates: PER_SECOND * SECONDS,
  });
  await worker.next<{ done?: boolean }>(({ done }) => done === true);
  await worker.end();
  // The first second is warm-up.
  const warm = samplesMs.slice(JOBS * PER_SECOND);
  for (const stop of stops) stop();
  await web.end();
  await progress.close();
  await close();
  return [
    name,
    `${round(quantile(warm, 0.5))} ms`,
    `${round(quantile(warm, 0.99))} ms`,
    `${((100 * samplesMs.length) / (JOBS * PER_SECOND * SECONDS)).toFixed(1)} %`,
  ];
});

printTable(
  `From a report to a reader in another process: ${JOBS} jobs, ${PER_SECOND} updates/s each, ${SECONDS} s`,
  ["store", "p50", "p99", "updates seen one by one"],
  rows,
);
