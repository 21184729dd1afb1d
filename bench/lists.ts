// The cost of a change for the viewers of a list, compared with the viewers of one job. All have the same server.
import { pinLoad } from "./lib/cores.js";
import { pathOf } from "./lib/fan-out/contender.js";
import { closeAll, type Saturated, saturate } from "./lib/fan-out/measure.js";
import { SUBJECT } from "./lib/fan-out/ours.js";
import { openReaders } from "./lib/fan-out/readers.js";
import { type BenchServer, startServer } from "./lib/fan-out/server.js";
import { printTable, ratios, spread } from "./lib/figures.js";
import { printMachine, requireFiles } from "./lib/machine.js";
import { readOptions } from "./lib/options.mjs";

const { smoke, rounds } = readOptions(process.argv.slice(2));
const VIEWERS = smoke ? 40 : 1_000;
const JOBS = smoke ? 5 : 50;
const TIMES = smoke ? { warmUpMs: 20, measuredMs: 100 } : { warmUpMs: 400, measuredMs: 1_500 };
/** A window at a low rate has to be longer: without a change in it there is no figure. */
const RATE_TIMES = smoke
  ? { warmUpMs: 20, measuredMs: 1_000 }
  : { warmUpMs: 1_000, measuredMs: 8_000 };
const PER_SECOND = 10;

/** What the viewers follow: the path of a stream, and the number of jobs that change. */
const FOLLOWED = {
  "one job": { path: pathOf(0), jobs: 1 },
  "the list, one job of which changes": { path: pathOfList(), jobs: 1 },
  "the list, all jobs of which change": { path: pathOfList(), jobs: JOBS },
} as const;

interface Figures {
  /** As many changes as the viewers take. */
  readonly saturated: Saturated[];
  /** Ten changes a second. */
  readonly atRate: Saturated[];
}

/** The list of all jobs, with the path that `pathOf` has for one of them. */
function pathOfList(): string {
  return pathOf(0).replace(/\/[^/]*$/u, `?subject=${SUBJECT}&limit=${JOBS}`);
}

async function measure(server: BenchServer, name: keyof typeof FOLLOWED, into: Figures) {
  const { path, jobs } = FOLLOWED[name];
  const readers = await openReaders(server.port, () => path, { count: VIEWERS, atOnce: 64 });
  into.saturated.push(await saturate(server, readers, { topics: jobs }, TIMES));
  const load = { topics: jobs, perSecond: PER_SECOND };
  into.atRate.push(await saturate(server, readers, load, RATE_TIMES));
  await closeAll(server, readers);
}

requireFiles(VIEWERS + 200);
pinLoad();
const names = Object.keys(FOLLOWED) as (keyof typeof FOLLOWED)[];
const figures = new Map(names.map((name) => [name, { saturated: [], atRate: [] } as Figures]));
for (let round = 0; round < rounds; round += 1)
  for (const [name, own] of figures) {
    const server = await startServer({ contender: "node", topics: JOBS });
    await measure(server, name, own);
    await server.end();
  }

printMachine();
const cpuOf = (samples: readonly Saturated[] = []) => samples.map(({ cpuUs }) => cpuUs);
const base = figures.get("one job");
printTable(
  `${VIEWERS.toLocaleString("en")} viewers, a subject of ${JOBS} jobs: microseconds of CPU per event that arrived`,
  ["followed", "saturated", "to one job", `${PER_SECOND} changes a second`, "to one job"],
  names.map((name) => {
    const own = figures.get(name);
    const saturated = cpuOf(own?.saturated);
    const atRate = cpuOf(own?.atRate);
    return [
      name,
      spread(saturated),
      spread(ratios(saturated, cpuOf(base?.saturated))),
      spread(atRate),
      spread(ratios(atRate, cpuOf(base?.atRate))),
    ];
  }),
);
