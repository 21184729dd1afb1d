import { median, printTable, ratios, round, spread } from "../figures.js";
import { EVENTS_PER_SECOND, type FanOutSize, type Figures, type Saturated } from "./measure.js";
import type { ContenderName } from "./server.js";

/** The results of all servers, in the order of the tables. */
export interface FanOutResults {
  readonly size: FanOutSize;
  readonly rounds: number;
  readonly figures: ReadonlyMap<ContenderName, readonly Figures[]>;
  /** Bytes per idle stream. */
  readonly memory: ReadonlyMap<ContenderName, number>;
}

/** Takes one figure of those of a round. */
type Select = (figures: Figures) => number;

/** A ratio that our server should reach. */
interface Goal {
  readonly what: string;
  readonly name: ContenderName;
  readonly to: ContenderName;
  readonly select: Select | "memory";
  /** Whether less of the figure is better, and the ratio that is shown is that of the other one to ours. */
  readonly isCost?: boolean;
  readonly atLeast?: number;
  readonly atMost?: number;
}

const wideCpu: Select = ({ wide }) => wide.cpuUs;
const narrowCpu: Select = ({ narrow }) => narrow.cpuUs;
const WIDE = {
  what: "events per CPU, 1 job",
  to: "socket",
  select: wideCpu,
  isCost: true,
} as const;
const NARROW = { what: "events per CPU, many jobs", select: narrowCpu, isCost: true } as const;

const GOALS: readonly Goal[] = [
  { ...WIDE, name: "node", atLeast: 0.9 },
  { ...WIDE, name: "express", atLeast: 0.9 },
  { ...WIDE, name: "fastify", atLeast: 0.85 },
  { ...WIDE, name: "fetch", atLeast: 0.5 },
  { ...NARROW, name: "node", to: "socket", atLeast: 0.8 },
  { what: "latency, p50", name: "node", to: "plain", select: ({ p50 }) => p50, atMost: 1 },
  { what: "connects", name: "node", to: "plain", select: ({ connects }) => connects, atLeast: 0.9 },
  { what: "cycles", name: "node", to: "plain", select: ({ cycles }) => cycles, atLeast: 0.8 },
  { what: "memory per stream", name: "node", to: "plain", select: "memory", atMost: 1.1 },
];

/** Prints all tables of the benchmark. */
export function printFanOut(results: FanOutResults): void {
  const { size, rounds } = results;
  const { readers, jobs } = size;
  const inRounds = `medians of ${rounds} rounds, with min–max`;
  const wide = `1 job × ${readers.toLocaleString("en")} viewers, saturated (${inRounds})`;
  printSaturated(results, wide, (figures) => figures.wide);
  const narrow = `${jobs} jobs × ${readers / jobs} viewers, saturated (${inRounds})`;
  printSaturated(results, narrow, (figures) => figures.narrow);
  printPair(
    results,
    `Latency at ${(readers * EVENTS_PER_SECOND).toLocaleString("en")} deliveries/s (${inRounds})`,
    [
      ["p50, ms", ({ p50 }) => p50],
      ["p99, ms", ({ p99 }) => p99],
    ],
  );
  printPair(results, `Connections (${inRounds})`, [
    ["connects/s, cold", ({ connects }) => connects],
    ["open, event, close: cycles/s", ({ cycles }) => cycles],
  ]);
  printMemory(results);
  printGoals(results);
}

function printSaturated(
  results: FanOutResults,
  title: string,
  select: (figures: Figures) => Saturated,
): void {
  const of = (name: ContenderName, part: (saturated: Saturated) => number) =>
    figuresOf(results, name, (figures) => part(select(figures)));
  const cpuOf = (name: ContenderName) => of(name, ({ cpuUs }) => cpuUs);
  printTable(
    title,
    ["server", "CPU per event, µs", "to plain", "to socket", "events/s", "merged"],
    [...results.figures.keys()].map((name) => [
      labelOf(name),
      spread(cpuOf(name), 1),
      // More events for the same CPU give a higher ratio.
      spread(ratios(cpuOf("plain"), cpuOf(name))),
      spread(ratios(cpuOf("socket"), cpuOf(name))),
      round(median(of(name, ({ perSecond }) => perSecond))),
      `${(100 * median(of(name, ({ merged }) => merged))).toFixed(1)} %`,
    ]),
  );
}

/** Two figures, each with its ratio to that of the plain loop. */
function printPair(
  results: FanOutResults,
  title: string,
  columns: readonly (readonly [name: string, select: Select])[],
): void {
  printTable(
    title,
    ["server", ...columns.flatMap(([column]) => [column, "to plain"])],
    [...results.figures.keys()].map((name) => [
      labelOf(name),
      ...columns.flatMap(([, select]) => {
        const own = figuresOf(results, name, select);
        return [spread(own, 1), spread(ratios(own, figuresOf(results, "plain", select)))];
      }),
    ]),
  );
}

function printMemory({ size: { idle }, memory }: FanOutResults): void {
  const jobs = (idle / 5).toLocaleString("en");
  const plain = memory.get("plain") ?? Number.NaN;
  printTable(
    `Memory per idle stream, ${idle.toLocaleString("en")} streams of ${jobs} jobs (one round)`,
    ["server", "kB", "to plain"],
    [...memory].map(([name, bytes]) => [
      labelOf(name),
      round(bytes / 1_000, 1),
      round(bytes / plain),
    ]),
  );
}

function printGoals(results: FanOutResults): void {
  const reachable = GOALS.filter(({ name }) => results.figures.has(name));
  printTable(
    "Goals (medians of the ratios above)",
    ["figure", "server", "to", "goal", "measured", "met"],
    reachable.map((goal) => {
      const { what, name, to, atLeast, atMost } = goal;
      const ratio = ratioOf(results, goal);
      const isMet = ratio >= (atLeast ?? 0) && ratio <= (atMost ?? Number.POSITIVE_INFINITY);
      const bound = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
      return [what, labelOf(name), to, bound, round(ratio), isMet ? "yes" : "no"];
    }),
  );
}

function ratioOf(results: FanOutResults, { name, to, select, isCost }: Goal): number {
  if (select === "memory")
    return (results.memory.get(name) ?? Number.NaN) / (results.memory.get(to) ?? Number.NaN);
  const [own, others] = [figuresOf(results, name, select), figuresOf(results, to, select)];
  return median(isCost ? ratios(others, own) : ratios(own, others));
}

/** One figure of a server in all rounds. */
function figuresOf(
  { figures }: FanOutResults,
  name: ContenderName,
  select: Select,
): readonly number[] {
  return (figures.get(name) ?? []).map(select);
}

const OF_OTHERS: ReadonlySet<ContenderName> = new Set([
  "plain",
  "socket",
  "better-sse",
  "@fastify/sse",
]);

function labelOf(name: ContenderName): string {
  return OF_OTHERS.has(name) ? name : `ours, ${name}`;
}
