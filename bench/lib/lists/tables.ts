import type { Saturated } from "../fan-out/measure.js";
import { median, printTable, ratios, spread } from "../figures.js";
import type { Changes, ChangesSize, Followed } from "./changes.js";
import type { OneByOne, OneByOneSize, Way } from "./one-by-one.js";
import { CHANGES_PER_SECOND, type Turnover, type TurnoverCost } from "./turnover.js";

/** The figures of each row, one of each round. */
export type Rows<Name, Figures> = ReadonlyMap<Name, readonly Figures[]>;

const count = (value: number): string => value.toLocaleString("en");

/** Prints the cost of changes of jobs that stay in the list. */
export function printChanges(
  rows: Rows<Followed, Changes>,
  { viewers, jobs, perSecond }: ChangesSize,
): void {
  const columns = [
    cpuColumn<Changes>(({ saturated }) => saturated),
    cpuColumn<Changes>(({ atRate }) => atRate),
  ];
  const base = rows.get("one job") ?? [];
  printTable(
    `${count(viewers)} viewers, a subject of ${jobs} jobs: microseconds of CPU per event that arrived`,
    ["followed", "saturated", "to one job", `${perSecond} changes a second`, "to one job"],
    [...rows].map(([name, own]) => [name, ...columns.flatMap((column) => column(own, base))]),
  );
}

/** Prints the cost of jobs that come and leave. */
export function printTurnover(rows: Rows<Turnover, TurnoverCost>): void {
  const all = [...rows];
  const figuresOf = (of: (turnover: Turnover) => boolean): readonly TurnoverCost[] =>
    all.find(([turnover]) => of(turnover))?.[1] ?? [];
  const change = figuresOf(({ change }) => change === "update");
  const streams = figuresOf(({ way }) => way === "streams");
  const cpu = ({ cpuUs }: TurnoverCost): number => cpuUs;
  printTable(
    `A change ${CHANGES_PER_SECOND} times a second: the cost per viewer and change`,
    ["followed", "change", "viewers", "CPU, µs", "to a job's change", "to streams", "bytes"],
    all.map(([turnover, own]) => [
      followedBy(turnover),
      CHANGE[turnover.change],
      count(turnover.viewers),
      spread(own.map(cpu), 1),
      spread(ratios(own.map(cpu), change.map(cpu))),
      spread(ratios(own.map(cpu), streams.map(cpu))),
      count(Math.round(median(own.map(({ bytes }) => bytes)))),
    ]),
  );
}

const CHANGE: { readonly [Name in Turnover["change"]]: string } = {
  update: "a job changes",
  create: "a new job",
  alternate: "a removed or a new job",
};

function followedBy({ way, jobs }: Turnover): string {
  return way === "list" ? `list of ${jobs} jobs` : `${jobs} streams`;
}

/** Prints the cost of the same events by a list and by streams of single jobs, and the memory of their viewers. */
export function printOneByOne(
  rows: Rows<Way, OneByOne>,
  { viewers, jobs, perSecond, idle }: OneByOneSize,
): void {
  const cpu = [
    cpuColumn<OneByOne>(({ saturated }) => saturated),
    cpuColumn<OneByOne>(({ atRate }) => atRate),
  ];
  const memory = [column<OneByOne>((own) => own.memory / 1_000)];
  const base = rows.get("streams") ?? [];
  const rowsOf = (columns: readonly Cells<OneByOne>[]): readonly (readonly string[])[] =>
    [...rows].map(([way, own]) => [
      way === "list" ? "1 stream of the list" : `${jobs} streams`,
      ...columns.flatMap((cells) => cells(own, base)),
    ]);
  printTable(
    `${viewers} viewers of the same ${jobs} jobs: microseconds of CPU per event that arrived`,
    [
      "each viewer has",
      "saturated",
      "to streams",
      `${perSecond} changes a second of each job`,
      "to streams",
    ],
    rowsOf(cpu),
  );
  printTable(
    `Memory per viewer of ${jobs} jobs, ${count(idle.list)} streams`,
    ["each viewer has", "kB", "to streams"],
    rowsOf(memory),
  );
}

type Cells<Figures> = (own: readonly Figures[], base: readonly Figures[]) => readonly string[];

/** Two cells: a figure, and its ratio to that of another row. */
function column<Figures>(select: (figures: Figures) => number): Cells<Figures> {
  return (own, base) => [
    spread(own.map(select)),
    spread(ratios(own.map(select), base.map(select))),
  ];
}

function cpuColumn<Figures>(select: (figures: Figures) => Saturated): Cells<Figures> {
  return column((figures) => select(figures).cpuUs);
}
