import { describe, expect, it } from "vitest";
import { filesMatching, PACKAGE_SOURCES } from "./sources.js";
import { bannedWords } from "./words.js";

it("given packages/*/src, has no banned word in a name", () => {
  const sources = filesMatching(PACKAGE_SOURCES);
  expect(sources.flatMap(bannedWords)).toEqual([]);
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

  it.for(["src/endings.ts", "src/write-lane.ts", "src/feed.ts", "src/hints.ts", "src/parcels.ts"])(
    "refuses a file named %s",
    (path) => {
      expect(inFile("", path)).toHaveLength(1);
    },
  );

  it("names the file, the line and the word to say", () => {
    expect(inFile("\nlet seat = 1;")).toEqual(["src/a.ts:2 seat: say topic handle"]);
  });
});
