// A server whose jobs and viewers come and go for minutes: how much its memory grows, and whether anything is left at
// the end.
import { setTimeout as pause } from "node:timers/promises";
import { pinLoad, pinnedTo, SERVER_CORE } from "./lib/cores.js";
import { printTable, round } from "./lib/figures.js";
import { printMachine } from "./lib/machine.js";
import { readOptions } from "./lib/options.mjs";
import { openStream, startProgram } from "./lib/processes.js";
import type { SoakAnswer, SoakQuestion } from "./lib/soak/messages.js";

const { smoke, minutes } = readOptions(process.argv.slice(2));
const JOBS = smoke ? 10 : 200;
const VIEWERS = smoke ? 20 : 500;
const MAX_WATCH_MS = smoke ? 500 : 5_000;
/** The figures after garbage collections. The first ones are left out, because the code is still being compiled. */
const SAMPLES = 100;
const WARM_UP_SAMPLES = SAMPLES / 5;

interface Sample extends Pick<SoakAnswer, "heapUsed" | "rss"> {
  readonly minute: number;
}

pinLoad();
const program = startProgram("soak-server", { jobs: JOBS }, pinnedTo(SERVER_CORE));
const { port } = await program.next<{ port: number }>((message) => message.port !== undefined);
let questions = 0;

async function ask(question: Omit<SoakQuestion, "id"> = {}): Promise<SoakAnswer> {
  questions += 1;
  const id = questions;
  const answer = program.next<SoakAnswer>((message) => message.id === id);
  program.child.send({ ...question, id });
  return answer;
}

let { jobIds } = await ask();
let isOver = false;
let watched = 0;

/** Watches one job after the other, each for a while. */
async function watchJobs(): Promise<void> {
  while (!isOver) {
    const jobId = jobIds[Math.floor(Math.random() * jobIds.length)];
    // A job may have been removed in the meantime.
    const stop = await openStream(port, jobId ?? "", () => {}).catch(() => () => {});
    watched += 1;
    await pause(Math.random() * MAX_WATCH_MS);
    stop();
  }
}

const viewers = Promise.all(Array.from({ length: VIEWERS }, watchJobs));
const samples: Sample[] = [];
const begun = performance.now();
const minute = (): number => (performance.now() - begun) / 60_000;
while (minute() < minutes) {
  await pause((minutes * 60_000) / SAMPLES);
  const { heapUsed, rss, ...answer } = await ask();
  jobIds = answer.jobIds;
  samples.push({ heapUsed, rss, minute: minute() });
}
isOver = true;
await viewers;
const stopped = await ask({ stop: true });
const closed = await closedAnswer();
await program.end();

/** The state at the end. The kernel tells the server about the last closed connections a little later. */
async function closedAnswer(): Promise<SoakAnswer> {
  let answer = await ask({ close: true });
  for (let tries = 0; tries < 100 && leftIn(answer) > 0; tries += 1) {
    await pause(20);
    answer = await ask();
  }
  return answer;
}

function leftIn({ metrics, timers }: SoakAnswer): number {
  return metrics.slots + metrics.watchedJobs + metrics.reporters + timers;
}

/** Bytes a minute: the slope of the line that has the least squares of distances from the samples. */
function slope(used: readonly Sample[], select: (sample: Sample) => number): number {
  const meanMinute = used.reduce((sum, sample) => sum + sample.minute, 0) / used.length;
  const mean = used.reduce((sum, sample) => sum + select(sample), 0) / used.length;
  let [above, below] = [0, 0];
  for (const sample of used) {
    above += (sample.minute - meanMinute) * (select(sample) - mean);
    below += (sample.minute - meanMinute) ** 2;
  }
  return above / below;
}

const warm = samples.slice(WARM_UP_SAMPLES);
const row = (name: string, select: (sample: Sample) => number): readonly string[] => [
  name,
  `${round(select(warm[0] as Sample) / 1_000_000, 1)} MB`,
  `${round(select(warm.at(-1) as Sample) / 1_000_000, 1)} MB`,
  `${round(slope(warm, select) / 1_000, 1)} kB`,
];

printMachine();
printTable(
  `${minutes} minutes, ${JOBS} jobs at a time (${stopped.done.toLocaleString("en")} in all), ${VIEWERS} viewers at a ` +
    `time (${watched.toLocaleString("en")} streams in all)`,
  ["after garbage collections", "after the warm-up", "at the end", "slope a minute"],
  [row("heap", ({ heapUsed }) => heapUsed), row("RSS", ({ rss }) => rss)],
);
printTable(
  "Left after everything was closed",
  ["streams and polls", "watched jobs", "reporters", "timers"],
  [
    [closed.metrics.slots, closed.metrics.watchedJobs, closed.metrics.reporters, closed.timers].map(
      String,
    ),
  ],
);
if (leftIn(closed) > 0) {
  process.stderr.write("Something is left after everything was closed, which is an error.\n");
  process.exitCode = 1;
}
