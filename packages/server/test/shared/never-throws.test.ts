import { describe, expect, test } from "vitest";
import { alwaysNumber, callSafely, neverThrows } from "../../src/shared/never-throws.js";

const fault = new Error("fault");
const thrower = () => {
  throw fault;
};

type Then = (resolve: unknown, reject: (error: unknown) => void) => void;
const THEN = "then";
const thenable = (then: Then) => Object.fromEntries([[THEN, then]]);
const withGetter = (object: object, name: string) =>
  Object.defineProperty(object, name, { get: thrower });

/** Callbacks that fail with `fault`, each in another way. */
const FAULTY: Record<string, () => unknown> = {
  "that throws": thrower,
  "that is async and throws": async () => thrower(),
  "whose thenable rejects": () => thenable((_resolve, reject) => reject(fault)),
  "whose thenable throws": () => thenable(thrower),
  "whose result has a getter that throws": () => withGetter({}, THEN),
  "whose promise has a getter that throws": () => withGetter(Promise.resolve(), "constructor"),
  "whose promise is of a faulty class": () => withGetter(Promise.resolve(), "catch"),
};

describe("callSafely", () => {
  test.each(Object.entries(FAULTY))(
    "given a callback %s, passes the error on once and throws nothing",
    async (_name, callback) => {
      const faults: unknown[] = [];
      callSafely(callback, (error) => faults.push(error));
      await new Promise((resolve) => setImmediate(resolve));
      expect(faults).toEqual([fault]);
    },
  );

  test.each([undefined, null, 1, "text", {}, Promise.resolve(1), Object.create(null)])(
    "given a callback that returns %o, passes nothing on",
    async (result) => {
      const faults: unknown[] = [];
      callSafely(
        () => result,
        (error) => faults.push(error),
      );
      await new Promise((resolve) => setImmediate(resolve));
      expect(faults).toEqual([]);
    },
  );
});

describe("neverThrows", () => {
  test.each(Object.entries(FAULTY))(
    "given a callback %s, ignores its error",
    async (_name, callback) => {
      // An unhandled rejection would fail the run of the tests.
      expect(neverThrows(callback)(1)).toBeUndefined();
      await new Promise((resolve) => setImmediate(resolve));
    },
  );

  test("given a callback, calls it with the argument", () => {
    const calls: number[] = [];
    neverThrows((value: number) => calls.push(value))(5);
    neverThrows(undefined)(6);
    expect(calls).toEqual([5]);
  });
});

describe("alwaysNumber", () => {
  test("given a source that fails, uses the fallback and reports the first fault", () => {
    const results = [1, "2", Number.NaN, undefined, 3n];
    const faults: unknown[] = [];
    const next = alwaysNumber(
      () => (results.length > 0 ? (results.shift() as number) : thrower()),
      { isValid: Number.isFinite, fallback: () => 7, onFault: (cause) => faults.push(cause) },
    );
    expect(Array.from({ length: 7 }, next)).toEqual([1, 7, 7, 7, 7, 7, 7]);
    expect(faults).toEqual([undefined]);
  });
});
