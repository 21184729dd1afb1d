import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadVectors } from "./load.js";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const numbers = [...read("docs/PROTOCOL.md").matchAll(/^- \*\*(P\d+)\*\*/gm)].map(([, p]) => p);
const elsewhere =
  loadVectors<Record<string, readonly [file: string, title: string]>>("elsewhere.json");
const files = readdirSync(new URL(".", import.meta.url)).filter(
  (file) => file.endsWith(".json") && file !== "elsewhere.json",
);

interface Case {
  readonly id: string;
  readonly requirements: readonly string[];
}

const cases = files.flatMap((file) =>
  Object.values(loadVectors<Record<string, readonly Case[]>>(file)).flat(),
);

describe("the requirements of docs/PROTOCOL.md", () => {
  test("are numbered in order, each once", () => {
    expect(numbers).toEqual(numbers.map((_, index) => `P${index + 1}`));
  });

  test.each(numbers)("%s has a vector, or a test that holds it", (number) => {
    if (cases.some(({ requirements }) => requirements.includes(number ?? ""))) return;
    const [file, title] = elsewhere[number ?? ""] ?? ["", ""];
    expect(file, `${number} has neither a vector nor a line in elsewhere.json`).not.toBe("");
    expect(read(file)).toContain(title);
  });

  test("are named by vectors only where they are there, and no vector's id is used twice", () => {
    const named = cases.flatMap(({ requirements }) => requirements);
    expect(named.filter((number) => !numbers.includes(number))).toEqual([]);
    const ids = cases.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
  });
});
