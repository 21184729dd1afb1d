import { randomFrom } from "../processes/random.js";
import { type History, recordedCases, SITUATIONS } from "./recorded-cases.js";
import { type Accuracy, accuracyOf, type Case, meanError, PARTS } from "./replay.js";
import { syntheticCases } from "./synthetic-cases.js";

/** A table of errors. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How many earlier jobs there are in the rows of the tables. */
const RUNS: readonly number[] = [0, 1, 5, 50];

/** How often each recorded video is played, with other earlier videos each time. */
const ROUNDS = 40;

/** The errors after so many earlier videos, as shares of the duration, by moment. */
export function recordedAccuracy(
  cases: readonly (Case & { readonly name: string })[],
  names: RegExp,
  runs: number,
): readonly Accuracy[] {
  const some = cases.filter(({ name }) => names.test(name));
  return accuracyOf(some, { runs, rounds: ROUNDS, random: randomFrom(1).next });
}

/** The errors of made-up jobs after so many earlier ones, by moment. */
export function syntheticAccuracy(
  runs: number,
  sizes: { readonly sizeFactor: number; readonly hasSize: boolean },
): readonly Accuracy[] {
  const { next: random } = randomFrom(1);
  return accuracyOf(syntheticCases({ random, ...sizes }), { runs, rounds: 1, random });
}

/** Sizes that differ so little that the app gives none. */
export const SIMILAR = { sizeFactor: 1.3, hasSize: false } as const;

/** Sizes that differ much. */
export const DIFFERENT = { sizeFactor: 3 } as const;

/** The tables of `docs/eta.md`, in their order. */
export function documentTables(folder: URL): readonly Table[] {
  const slow = SITUATIONS.find(({ title }) => title.includes("slow or busy"));
  const cases = recordedCases(folder, "sized");
  return [
    situationsTable(folder, "sized"),
    situationsTable(folder, "unsized"),
    momentsTable(`Recorded: ${slow?.title}`, (runs) =>
      recordedAccuracy(cases, slow?.names ?? /^/, runs),
    ),
    momentsTable("Made-up jobs", (runs) => syntheticAccuracy(runs, SIMILAR)),
    sizesTable(),
  ];
}

/** The errors of each situation by moment. */
export function detailTables(folder: URL): readonly Table[] {
  const histories = ["sized", "unsized", "alike"] as const;
  return histories.flatMap((history) => {
    const cases = recordedCases(folder, history);
    return SITUATIONS.map(({ title, names }) =>
      momentsTable(`Recorded: ${title}, earlier videos ${history}`, (runs) =>
        recordedAccuracy(cases, names, runs),
      ),
    );
  });
}

/** A table as Markdown, without its title. */
function markdownOf({ head, rows }: Table): string {
  return [head, head.map(() => "---"), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

/** A document with these tables in place of those after the heading, in order. */
export function withTables(text: string, heading: string, tables: readonly Table[]): string {
  const [before = "", after] = text.split(`${heading}\n`);
  if (after === undefined) throw new Error(`There is no heading "${heading}".`);
  const next = tables.values();
  const replaced = after.replaceAll(/(?:^\|.*\n)+/gm, () => {
    const { value, done } = next.next();
    if (done) throw new Error(`There are more than ${tables.length} tables.`);
    return `${markdownOf(value)}\n`;
  });
  if (!next.next().done) throw new Error(`There are fewer than ${tables.length} tables.`);
  return `${before}${heading}\n${replaced}`;
}

function situationsTable(folder: URL, history: History): Table {
  const cases = recordedCases(folder, history);
  const rows = RUNS.map((runs) => {
    const errors = SITUATIONS.map(({ names }) => meanError(recordedAccuracy(cases, names, runs)));
    return [String(runs), ...[...errors, mean(errors)].map(percent)];
  });
  const titles = SITUATIONS.map(({ title }) => title);
  return {
    title: `Recorded videos, ${history}`,
    head: ["earlier jobs", ...titles, "mean of the four"],
    rows,
  };
}

function momentsTable(title: string, accuracyAfter: (runs: number) => readonly Accuracy[]): Table {
  const rows = RUNS.map((runs) => {
    const accuracy = accuracyAfter(runs);
    const errors = accuracy.map(({ error }) => error);
    const nulls = mean(accuracy.map(({ nulls }) => nulls));
    return [String(runs), ...[...errors, meanError(accuracy), nulls].map(percent)];
  });
  return { title, head: ["earlier jobs", ...PARTS.map(percent), "mean", "without ETA"], rows };
}

function sizesTable(): Table {
  const rows = RUNS.map((runs) => {
    const errors = [true, false].map((hasSize) =>
      meanError(syntheticAccuracy(runs, { ...DIFFERENT, hasSize })),
    );
    return [String(runs), ...errors.map(percent)];
  });
  return {
    title: "Made-up jobs of different sizes",
    head: ["earlier jobs", "with a size", "without"],
    rows,
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
