import { expect, test } from "vitest";
import { unknownMember } from "../../src/shared/member-names.js";

const KNOWN = ["id", "key", "percent", "message", "metadata", "deadlineMs"];

test.each([
  ["persent", "percent"],
  ["Percent", "percent"],
  ["percentage", "percent"],
  ["msg_data", undefined],
  ["mesage", "message"],
  ["metaData", "metadata"],
  ["deadline_ms", "deadlineMs"],
  ["deadline", "deadlineMs"],
  ["ky", "key"],
  ["x", undefined],
  ["progress", undefined],
  ["constructor", undefined],
])("given the member %s, names %s as the one that was meant", (name, nearest) => {
  const known = `known are ${KNOWN.map((each) => `"${each}"`).join(", ")}.`;
  expect(unknownMember({ id: 1, [name]: 1 }, KNOWN)).toBe(
    nearest === undefined ? `"${name}"; ${known}` : `"${name}"; did you mean "${nearest}"?`,
  );
});

test.each([
  ["known members", { id: 1, key: 2 }],
  ["inherited members", Object.create({ other: 1 })],
  ["no object", "other"],
  ["null", null],
  [
    "a proxy that throws",
    new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("odd");
        },
      },
    ),
  ],
])("given %s, returns undefined", (_name, value) => {
  expect(unknownMember(value, KNOWN)).toBeUndefined();
});

test("given a huge name, shows the beginning of it", () => {
  expect(unknownMember({ ["k".repeat(1_000_000)]: 1 }, KNOWN)?.length).toBeLessThan(200);
});
