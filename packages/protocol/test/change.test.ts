import {
  addToChange,
  type Change,
  checkedChange,
  checkedField,
  checkedLine,
  isProgressError,
  JOB_ID,
  MAX_CHANGE_BYTES,
  MAX_LINE_BYTES,
  NAME,
  type OpenChange,
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

describe("checkedChange", () => {
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
    ["an unknown level", logging({ level: "debug", text: "x", at: 1 }), "invalid-change", "level"],
    ["a line that is null", logging(null), "invalid-change", "level"],
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
      checkedChange(change);
    } catch (error) {
      refusal = error;
    }
    expect(isProgressError(refusal, code)).toBe(true);
    expect((refusal as ProgressError).message).toContain(word);
  });

  test("given valid changes, returns copies of their values and lines", () => {
    const set = {
      percent: -0,
      message: "\ud800\u0000",
      "steps.a-b_1": {},
      "metadata.constructor": null,
      result: "x".repeat(1000),
    };
    expect(checkedChange(setting(set))).toMatchObject({ set: { ...set, percent: 0 }, log: [] });
    const line = { level: "warn", text: "", at: 0, data: { any: [1] } };
    const { log } = checkedChange(logging(line));
    expect(log).toEqual([line]);
    line.data.any.push(2);
    expect(log[0]?.data).toEqual({ any: [1] });
  });

  test("given a field or a line, counts at least the bytes that they take as JSON", () => {
    const step = { status: "running", percent: 40, message: "é\n" };
    const { value, bytes } = checkedField("steps.s", step);
    expect(value).toEqual(step);
    const exact = Buffer.byteLength(JSON.stringify({ "steps.s": step }));
    expect(bytes).toBeGreaterThanOrEqual(exact - 2);
    expect(bytes).toBeLessThanOrEqual(exact + 2);
    const line = { at: 1, level: "info", text: "é", data: { frame: 3 } } as const;
    expect(checkedLine(line).bytes).toBe(Buffer.byteLength(JSON.stringify(line)));
    expect(checkedChange({ set: { "steps.s": step }, log: [line] }).bytes).toBe(
      bytes + checkedLine(line).bytes,
    );
  });

  test("given a line of more bytes than a line may take, is too large", () => {
    const text = (bytes: number) => ({ at: 1, level: "info", text: "x".repeat(bytes) }) as const;
    expect(() => checkedLine(text(MAX_LINE_BYTES - 100))).not.toThrow();
    expect(() => checkedLine(text(MAX_LINE_BYTES))).toThrow(String(MAX_LINE_BYTES));
  });

  test("given fields that are too large only together, throws too-large", () => {
    const half = "x".repeat(MAX_CHANGE_BYTES / 2);
    expect(() => checkedChange(setting({ message: half }))).not.toThrow();
    expect(() => checkedChange(setting({ message: half, result: half }))).toThrow(
      `The change takes more than ${MAX_CHANGE_BYTES} bytes`,
    );
  });
});

describe("addToChange", () => {
  const at = (text: string) => ({ at: 1, level: "info" as const, text });

  test("given two changes in a row, the later one wins per field, and lines and losses add up", () => {
    const change: OpenChange = {
      set: { message: "one", percent: 1 },
      log: [at("one")],
      lostLines: 2,
    };
    const next: Change = { set: { percent: 2 }, log: [at("two")], lostLines: 3 };
    addToChange(change, next);
    expect(change).toEqual({
      set: { message: "one", percent: 2 },
      log: [at("one"), at("two")],
      lostLines: 5,
    });
    expect(next).toEqual({ set: { percent: 2 }, log: [at("two")], lostLines: 3 });
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
