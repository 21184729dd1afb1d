import { describe, expect, it } from "vitest";
import { HELPERS, implementationsOf } from "./helpers.js";
import { filesMatching } from "./sources.js";

describe.for(["server", "client"])("given packages/%s/src", (name) => {
  const files = filesMatching(new RegExp(`^packages/${name}/src/.*\\.tsx?$`));

  it.for(HELPERS)("has at most one implementation of $name", (helper) => {
    const found = implementationsOf(helper, files);
    expect(found.length > 1 ? found : []).toEqual([]);
  });
});

describe("the rule of helpers", () => {
  const count = (text: string) =>
    HELPERS.flatMap((helper) => implementationsOf(helper, [{ path: "a.ts", text }])).length;

  it.for([
    "byte.toString(16)",
    "timer.unref()",
    "crypto.getRandomValues(bytes)",
    "const max = 2 ** 31 - 1",
    "const max = 2_147_483_647",
    "100 * 2 ** Math.min(failures, 10)",
  ])("finds %s", (text) => {
    expect(count(text)).toBe(1);
  });

  it.for(["number.toString()", "number.toString(36)", "2 ** 53 - 1", "3 ** failures"])(
    "does not find %s",
    (text) => {
      expect(count(text)).toBe(0);
    },
  );
});
