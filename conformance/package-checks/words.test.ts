import { describe, expect, it } from "vitest";
import { filesMatching, PACKAGE_SOURCES } from "./sources.js";
import { bannedWords, riddles } from "./words.js";

it("given packages/*/src, has no banned word in a name", () => {
  const sources = filesMatching(PACKAGE_SOURCES);
  expect(sources.flatMap(bannedWords)).toEqual([]);
});

it("given packages/*/src, has no comment that begins a sentence with What or Whoever", () => {
  expect(filesMatching(PACKAGE_SOURCES).flatMap(riddles)).toEqual([]);
});

describe("the rule of sentences", () => {
  const inFile = (text: string) => riddles({ path: "src/a.ts", text });

  it.for([
    "/** What decides whether a write is accepted. */",
    " * Reads again. What it finds is applied.",
    "  // Whoever waits gets the error.",
  ])("refuses %s", (text) => {
    expect(inFile(text)).toHaveLength(1);
  });

  it.for([
    "/** The state that decides whether a write is accepted. */",
    " * Returns what changed. Whatever follows is ignored.",
    'const text = "What a day.";',
  ])("accepts %s", (text) => {
    expect(inFile(text)).toEqual([]);
  });
});

describe("the rule of words", () => {
  const inFile = (text: string, path = "src/a.ts") => bannedWords({ path, text });

  it.for([
    "const parcel = 1;",
    "function makeParcels() {}",
    "interface Ledger {}",
    "function absorb() {}",
    "const { seat } = topic;",
    "type Member = string;",
    "const fates = [];",
    "interface Neighbours {}",
    "export function follow() {}",
    "export const type = 1;",
    "const typed = 1; export { typed as type };",
  ])("refuses %s", (text) => {
    expect(inFile(text)).not.toEqual([]);
  });

  it.for([
    "const members = [];",
    "const timeStamp = 1;",
    "function follow() {}",
    "const type = 1;",
    "interface A { readonly type: string }",
    "const hints = [];",
    "// A parcel, in a comment only.",
  ])("accepts %s", (text) => {
    expect(inFile(text)).toEqual([]);
  });

  it.for(["src/endings.ts", "src/write-lane.ts", "src/hints.ts", "src/parcels.ts"])(
    "refuses a file named %s",
    (path) => {
      expect(inFile("", path)).toHaveLength(1);
    },
  );

  it("names the file, the line and the word to say", () => {
    expect(inFile("\nlet seat = 1;")).toEqual(["src/a.ts:2 seat: say topic handle"]);
  });
});
