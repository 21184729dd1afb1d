import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadVectors } from "./load.js";

const at = (path: string) => new URL(`../../${path}`, import.meta.url);
const read = (path: string) => readFileSync(at(path), "utf8");

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

  test.each(numbers)("given %s, has a vector or a test named in elsewhere.json", (number) => {
    if (cases.some(({ requirements }) => requirements.includes(number ?? ""))) return;
    const [file, title] = elsewhere[number ?? ""] ?? ["", ""];
    expect(file, `${number} has neither a vector nor an entry in elsewhere.json`).not.toBe("");
    expect(
      existsSync(at(file)),
      `${number}: elsewhere.json names ${file}, which does not exist`,
    ).toBe(true);
    expect(read(file), `${number}: ${file} has no test with this title`).toContain(title);
  });

  test("are the only ones that vectors name", () => {
    const named = cases.flatMap(({ requirements }) => requirements);
    expect(named.filter((number) => !numbers.includes(number))).toEqual([]);
  });
});

test("given all vectors, each id is used once", () => {
  const ids = cases.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
});
