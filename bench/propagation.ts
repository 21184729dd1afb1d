// From a worker's report to another process' wire: the worker, the web process and the reader are three processes.
import { allowAnyone, createProgress } from "@emlinh/progress-server";
import { openStore } from "../conformance/stores/open-store.js";
import { printTable, quantile, round } from "./lib/figures.js";
import { onEach } from "./lib/places.js";
import { now, openStream, start, startWeb } from "./lib/processes.js";

const JOBS = 100;
const PER_SECOND = 10;
const SECONDS = 15;

const rows = await onEach(async (name, place) => {
  const { store, close } = await openStore(place);
  const progress = createProgress({ store, authorize: allowAnyone, sweepIntervalMs: false });
  const jobIds: string[] = [];
  for (let by = 0; by < JOBS; by += 1) jobIds.push((await progress.create({ kind: "bench" })).id);
  const web = await startWeb(place);
  const samplesMs: number[] = [];
  const stops = await Promise.all(
    jobIds.map((jobId) =>
      openStream(web.port, jobId, (text) => {
        for (const [, at] of text.matchAll(/"metadata\.at":([0-9.]+)/gu))
          samplesMs.push(now() - Number(at));
      }),
    ),
  );
  const worker = start("worker", {
    place,
    jobIds,
    everyMs: 1_000 / PER_SECOND,
    updates: PER_SECOND * SECONDS,
  });
  await worker.next<{ done?: boolean }>(({ done }) => done === true);
  await worker.end();
  // The first second warms up.
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
  `From report to another process' wire: ${JOBS} jobs, ${PER_SECOND} updates/s each, ${SECONDS} s`,
  ["store", "p50", "p99", "updates seen one by one"],
  rows,
);
