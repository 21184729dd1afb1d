import {
  type Change,
  checkChange,
  isProgressError,
  JOB_ID,
  MAX_CHANGE_BYTES,
  NAME,
  type ProgressError,
} from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";

const setting = (set: Record<string, unknown>): Change => ({
  set: set as Change["set"],
  log: [],
});
const logging = (line: unknown): Change => ({
  set: {},
  log: [line as Change["log"][number]],
});
const circular: Record<string, unknown> = {};
circular.self = circular;

describe("checkChange", () => {
  test.each([
    ["an unknown field", setting({ colour: 1 }), "invalid-change", "colour"],
    ["the derived etaMs", setting({ etaMs: 1 }), "invalid-change", "etaMs"],
    ["the id", setting({ id: "x" }), "invalid-change", "id"],
    ["an unknown group", setting({ "things.a": 1 }), "invalid-change", "things.a"],
    ["a step id with a space", setting({ "steps.a b": {} }), "invalid-change", "steps.a b"],
    ["a step id with a line end", setting({ "steps.a\n": {} }), "invalid-change", "steps.a"],
    [
      "the metadata key __proto__",
      setting({ "metadata.__proto__": {} }),
      "invalid-change",
      "__proto__",
    ],
    [
      "a step id that is too long",
      setting({ [`steps.${"a".repeat(65)}`]: {} }),
      "invalid-change",
      "aaa",
    ],
    ["NaN", setting({ percent: Number.NaN }), "invalid-change", "percent"],
    [
      "Infinity in a nested value",
      setting({ "metadata.a": { b: [Number.POSITIVE_INFINITY] } }),
      "invalid-change",
      "metadata.a",
    ],
    ["undefined", setting({ message: undefined }), "invalid-change", "message"],
    ["a function", setting({ result: () => 1 }), "invalid-change", "result"],
    ["a bigint", setting({ result: 1n }), "invalid-change", "result"],
    ["a circular value", setting({ result: circular }), "invalid-change", "result"],
    ["an unknown level", logging({ level: "debug", text: "x", at: 1 }), "invalid-change", "debug"],
    ["a line without a text", logging({ level: "info", at: 1 }), "invalid-change", "text"],
    [
      "a line without a valid time",
      logging({ level: "info", text: "x", at: Number.NaN }),
      "invalid-change",
      "time",
    ],
    [
      "too many bytes",
      setting({ result: "é".repeat(MAX_CHANGE_BYTES / 2) }),
      "too-large",
      String(MAX_CHANGE_BYTES),
    ],
  ] as const)("given %s, throws with the code and names the field", (_name, change, code, word) => {
    let refusal: unknown;
    try {
      checkChange(change);
    } catch (error) {
      refusal = error;
    }
    expect(isProgressError(refusal, code)).toBe(true);
    expect((refusal as ProgressError).message).toContain(word);
  });

  test("given valid changes, does not throw", () => {
    checkChange(
      setting({
        percent: -0,
        message: "\ud800\u0000",
        "steps.a-b_1": {},
        "metadata.constructor": null,
        result: "x".repeat(1000),
      }),
    );
    checkChange(logging({ level: "warn", text: "", at: 0, data: { any: [1] } }));
  });
});

test.each(["a", "A_-9", "x".repeat(128)])("given %j, JOB_ID matches", (id) =>
  expect(JOB_ID.test(id)).toBe(true),
);
test.each(["", "a b", "a/b", "..", "a\n", "é", "x".repeat(129)])(
  "given %j, JOB_ID does not match",
  (id) => expect(JOB_ID.test(id)).toBe(false),
);
test.each(["", "_a", "-a", "a.b", "__proto__", "a\n"])("given %j, NAME does not match", (name) =>
  expect(NAME.test(name)).toBe(false),
);
