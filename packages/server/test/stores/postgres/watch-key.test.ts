import { expect, test } from "vitest";
import { isPossible, listKey, watchKey } from "../../../src/stores/postgres/watch-key.js";

test("given a job and a subject of the same name, their keys differ", () => {
  expect(watchKey({ jobId: "a" })).not.toBe(watchKey({ subject: "a" }));
  expect(watchKey({ subject: "a" })).toBe(listKey("a"));
});

test("given keys that no job and no list can have, excludes them from polls", () => {
  const keys = ["a", "@user:42", `@${"x".repeat(128)}`];
  const others = [
    "",
    "a b",
    "a\u0000",
    "x".repeat(129),
    "@",
    "@@a",
    "@a b",
    "@\ud800",
    `@${"x".repeat(129)}`,
  ];
  expect([...keys, ...others].filter(isPossible)).toEqual(keys);
});
