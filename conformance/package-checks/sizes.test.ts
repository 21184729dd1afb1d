import { describe, expect, it } from "vitest";
import { longFiles, longFunctions, longLines } from "./sizes.js";
import { filesMatching, PACKAGE_SOURCES } from "./sources.js";

const sources = filesMatching(PACKAGE_SOURCES);

/** Files that tools write. */
const GENERATED = /(^|\/)CHANGELOG\.md$|^pnpm-lock\.yaml$/;

describe("given packages/*/src", () => {
  it("has no file with more than 400 lines", () => {
    expect(longFiles(sources)).toEqual([]);
  });

  it("has no function with more than 60 lines", () => {
    expect(sources.flatMap(longFunctions)).toEqual([]);
  });
});

it("given the code and prose of the repository, has no line with more than 120 columns", () => {
  const files = filesMatching(/\.(tsx?|mjs|js|md|ya?ml|json5)$/);
  const written = files.filter(({ path }) => !GENERATED.test(path));
  expect(written.flatMap(longLines)).toEqual([]);
});

describe("the size rule", () => {
  const file = (...lines: readonly string[]) => ({ path: "a.ts", text: lines.join("\n") });
  const many = (count: number, line: string) => Array.from({ length: count }, () => line);

  it("given a file with 400 lines, accepts it, and refuses one with 401", () => {
    expect(longFiles([file(...many(400, "x();"), "")])).toEqual([]);
    expect(longFiles([file(...many(401, "x();"))])).toEqual(["a.ts has 401 lines; at most 400"]);
  });

  it("given a function with 60 lines, accepts it, and refuses one with 61", () => {
    expect(longFunctions(file("", "function f() {", ...many(58, "  x();"), "}"))).toEqual([]);
    expect(longFunctions(file("", "function f() {", ...many(59, "  x();"), "}"))).toEqual([
      "a.ts:2 f has 61 lines; at most 60",
    ]);
  });

  it("given a long function inside another one, refuses both", () => {
    const inner = ["  const g = () => {", ...many(60, "    x();"), "  };"];
    expect(longFunctions(file("function f() {", ...inner, "}"))).toEqual([
      "a.ts:1 f has 64 lines; at most 60",
      "a.ts:2 g has 62 lines; at most 60",
    ]);
  });

  it("given a template literal of many lines, counts only its first one", () => {
    const template = ["  return `select 1", ...many(80, "    where true"), "  `;"];
    expect(longFunctions(file("function f() {", ...template, "}"))).toEqual([]);
  });

  it("given a line with 120 characters, accepts it, and refuses one with 121", () => {
    expect(longLines(file(`${"x".repeat(119)}🎬`))).toEqual([]);
    expect(longLines(file("", "x".repeat(121)))).toEqual(["a.ts:2 has 121 columns; at most 120"]);
  });
});
