import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { root, run } from "../package-checks/command.js";

/** A table in Markdown, as a benchmark prints it. */
interface Table {
  readonly head: string;
  readonly rows: readonly string[];
}

function tablesIn(markdown: string): readonly Table[] {
  return [...markdown.matchAll(/^(\|.*\|)\n\|(?: --- \|)+\n((?:\|.*\|\n?)+)/gm)].map(
    ([, head = "", rows = ""]) => ({ head, rows: rows.trim().split("\n") }),
  );
}

describe("the benchmarks of streams", () => {
  let tables: readonly Table[] = [];

  beforeAll(async () => {
    const args = ["bench/run.mjs", "fanout", "streams", "lists", "soak", "--smoke"];
    tables = tablesIn(await run(process.execPath, args));
  });

  it("measure something in each cell", () => {
    const fanout = [6, 4, 4, 4, 4, 4, 7];
    const streams = [6, 2, 2, 6, 3];
    const lists = [6, 3, 5, 2, 2];
    const soak = [6, 2, 1];
    const expected = [...fanout, ...streams, ...lists, ...soak];
    expect(tables.map(({ rows }) => rows.length)).toEqual(expected);
    expect(tables.flatMap(({ rows }) => rows.filter((row) => /NaN|∞/.test(row)))).toEqual([]);
  });

  it("leave no stream, job, reporter or timer behind", () => {
    expect(tables.at(-1)?.rows).toEqual(["| 0 | 0 | 0 | 0 |"]);
  });

  it("print their tables as docs/performance.md has them", () => {
    const documented = tablesIn(readFileSync(`${root}docs/performance.md`, "utf8"));
    const heads = documented.map(({ head }) => head);
    expect(heads).toEqual(expect.arrayContaining(tables.map(({ head }) => head)));
  });
});
