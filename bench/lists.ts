// The cost of a list for its viewers: of changes of its jobs, and of jobs that come and leave. It is compared with
// streams of single jobs. All have the same server.
import { pinLoad } from "./lib/cores.js";
import { type ChangesSize, FOLLOWED, measureChanges } from "./lib/lists/changes.js";
import { measureOneByOne, type OneByOneSize } from "./lib/lists/one-by-one.js";
import { printChanges, printOneByOne, printTurnover, type Rows } from "./lib/lists/tables.js";
import { measureTurnover, type Turnover } from "./lib/lists/turnover.js";
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
const TURNOVER_TIMES = smoke ? { warmUpMs: 1, measuredMs: 200 } : RATE_TIMES;
const CHANGES: ChangesSize = {
  viewers: VIEWERS,
  jobs: JOBS,
  perSecond: 10,
  times: TIMES,
  rateTimes: RATE_TIMES,
};
const ONE_BY_ONE: OneByOneSize = {
  viewers: smoke ? 8 : 40,
  jobs: JOBS,
  perSecond: 10,
  times: TIMES,
  idle: smoke ? { list: 40, streams: 8 } : { list: 10_000, streams: 200 },
};
/** As many viewers of one stream each as the others have streams. */
const FEW = { viewers: VIEWERS / 10, jobs: 10 };
const TURNOVERS: readonly Turnover[] = [
  { viewers: VIEWERS, jobs: JOBS, way: "list", change: "update" },
  { viewers: VIEWERS, jobs: JOBS, way: "list", change: "create" },
  { viewers: VIEWERS, jobs: JOBS, way: "list", change: "alternate" },
  { ...FEW, way: "list", change: "create" },
  { ...FEW, way: "streams", change: "create" },
];

/** In each round all rows are measured, so that other work of the machine affects them alike. */
async function measureRows<Name, Figures>(
  names: readonly Name[],
  measure: (name: Name) => Promise<Figures>,
): Promise<Rows<Name, Figures>> {
  const rows = new Map(names.map((name) => [name, [] as Figures[]]));
  for (let round = 0; round < rounds; round += 1)
    for (const [name, own] of rows) own.push(await measure(name));
  return rows;
}

requireFiles(ONE_BY_ONE.idle.streams * JOBS + 200);
pinLoad();
const changes = await measureRows(FOLLOWED, (name) => measureChanges(name, CHANGES));
const turnovers = await measureRows(TURNOVERS, (one) => measureTurnover(one, TURNOVER_TIMES));
const oneByOne = await measureRows(["list", "streams"] as const, (way) =>
  measureOneByOne(way, ONE_BY_ONE),
);

printMachine();
printChanges(changes, CHANGES);
printTurnover(turnovers);
printOneByOne(oneByOne, ONE_BY_ONE);
