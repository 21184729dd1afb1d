import {
  checkedValue,
  isProgressError,
  type Json,
  MAX_DEPTH,
  type ProgressError,
} from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const MAX_BYTES = 256 * 1024;

function refusalOf(value: unknown, maxBytes: number = MAX_BYTES): ProgressError {
  try {
    checkedValue(value, "result", maxBytes);
  } catch (error) {
    if (isProgressError(error)) return error;
    throw error;
  }
  throw new Error("The value was accepted.");
}

/** A value of so many levels, made without recursion. */
function nested(levels: number): unknown {
  let value: unknown = "core";
  for (let by = 0; by < levels; by += 1) value = by % 2 === 0 ? [value] : { in: value };
  return value;
}

function doubled(times: number, double: (inner: unknown) => unknown): unknown {
  let value: unknown = 1;
  for (let by = 0; by < times; by += 1) value = double(value);
  return value;
}

/** Runs a check that must neither take long nor need much memory. */
function quickly<Result>(run: () => Result): Result {
  const since = performance.now();
  const result = run();
  expect(performance.now() - since).toBeLessThan(2_000);
  return result;
}

const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("\ud800", "\udc00x", 'a"b\\c', "\u0000\u001f\u007f", "\u2028", "é😀"),
);
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(null, true, false, -0, 0, 1e21, 5e-324),
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(fc.oneof(text, fc.constantFrom("__proto__", "constructor")), tie("value"), {
      maxKeys: 5,
      noNullPrototype: false,
    }),
    fc.record({ kept: tie("value"), left: fc.constant(undefined) }),
  ),
})).value;

describe("checkedValue of any JSON value", () => {
  test("given a value, returns what JSON makes of it, and its bytes", () => {
    fc.assert(
      fc.property(value, (original) => {
        const json = JSON.stringify(original);
        const { value: copy, bytes } = checkedValue(original, "result", MAX_BYTES);
        expect(JSON.stringify(copy)).toBe(json);
        expect(copy).toEqual(JSON.parse(json));
        expect(Object.is(copy, -0)).toBe(false);
        expect(bytes).toBe(Buffer.byteLength(json));
      }),
      { numRuns: 500 },
    );
  });

  test("given a bound, accepts exactly the values that take no more bytes", () => {
    fc.assert(
      fc.property(value, (original) => {
        const bytes = Buffer.byteLength(JSON.stringify(original));
        expect(checkedValue(original, "result", bytes).bytes).toBe(bytes);
        expect(refusalOf(original, bytes - 1).code).toBe("too-large");
      }),
      { numRuns: 500 },
    );
  });

  test("given a value that is changed later, keeps the copy", () => {
    const inner = { list: [1] };
    const { value: copy } = checkedValue({ inner }, "result", MAX_BYTES);
    inner.list.push(2);
    expect(copy).toEqual({ inner: { list: [1] } });
  });

  test("given a member named __proto__, keeps it as a member", () => {
    const original = JSON.parse('{"__proto__":{"polluted":true},"a":1}');
    const { value: copy } = checkedValue(original, "result", MAX_BYTES);
    expect(Object.keys(copy as object)).toEqual(["__proto__", "a"]);
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(JSON.stringify(copy)).toBe(JSON.stringify(original));
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

class Point {
  readonly x = 1;
  readonly #y = 2;
  sum(): number {
    return this.x + this.#y;
  }
}

describe("checkedValue of other values", () => {
  test.each<[string, unknown, unknown]>([
    ["a class instance", new Point(), { x: 1 }],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ["members that are undefined", { a: undefined, b: 1 }, { b: 1 }],
    ["members named by symbols", { [Symbol("s")]: 1, b: 1 }, { b: 1 }],
    ["a proxy of an object", new Proxy({ a: [1] }, {}), { a: [1] }],
    ["a proxy of an array", new Proxy([1, { a: 2 }], {}), [1, { a: 2 }]],
    [
      "a getter",
      {
        get a() {
          return 1;
        },
      },
      { a: 1 },
    ],
    ["-0", [-0], [0]],
  ])("given %s, returns what JSON makes of it", (_name, original, expected) => {
    const { value: copy } = checkedValue(original, "result", MAX_BYTES);
    expect(copy).toEqual(expected);
    expect(copy).toEqual(JSON.parse(JSON.stringify(original)));
  });

  test.each<[string, unknown, string]>([
    ["undefined", undefined, '"result" is of the type undefined'],
    ["a function", () => 1, '"result" is of the type function'],
    ["a symbol", Symbol("s"), '"result" is of the type symbol'],
    ["a bigint", 1n, '"result" is of the type bigint'],
    ["NaN", { a: { b: [Number.NaN] } }, '"result.a.b.0" is NaN'],
    ["Infinity", [Number.NEGATIVE_INFINITY], '"result.0" is -Infinity'],
    ["a Date", { at: new Date(0) }, '"result.at" is a Date'],
    ["a Map", new Map(), '"result" is a Map'],
    ["a Set", [[new Set()]], '"result.0.0" is a Set'],
    ["an Error", { cause: new Error("secret") }, '"result.cause" is a Error'],
    ["a RegExp", /a/, '"result" is a RegExp'],
    ["a Promise", Promise.resolve(), '"result" is a Promise'],
    ["a URL", new URL("http://a.example"), '"result" is a URL'],
    ["a Buffer", Buffer.from("a"), '"result" is a Uint8Array'],
    ["a boxed number", Object(1), '"result" is a Number'],
    ["a boxed string", Object("a"), '"result" is a String'],
    ["a boxed boolean", Object(true), '"result" is a Boolean'],
    ["a boxed bigint", Object(1n), '"result" is a BigInt'],
    ["an object with toJSON", { a: { toJSON: () => 1 } }, '"result.a" is a Object with a toJSON'],
    [
      "an array with toJSON",
      { a: Object.assign([], { toJSON: () => 1 }) },
      '"result.a" is a Array',
    ],
    ["a member that is a function", { a: { b: () => 1 } }, '"result.a.b" is of the type function'],
    ["undefined in an array", [1, undefined], '"result.1" is of the type undefined'],
    // biome-ignore lint/suspicious/noSparseArray: the value is the subject of the test
    ["a sparse array", [1, , 2], '"result.1" is of the type undefined'],
  ])("given %s, throws invalid-change and names the path", (_name, original, words) => {
    const error = refusalOf(original);
    expect(error.code).toBe("invalid-change");
    expect(error.message).toContain(words);
    expect(error.message).not.toContain("secret");
  });

  const thrown = new Error("This getter throws.");
  const throws = (): never => {
    throw thrown;
  };
  test.each<[string, unknown]>([
    ["a getter that throws", Object.defineProperty({}, "a", { enumerable: true, get: throws })],
    ["a toJSON getter that throws", Object.defineProperty({}, "toJSON", { get: throws })],
    ["a tag that throws", { a: Object.defineProperty({}, Symbol.toStringTag, { get: throws }) }],
    ["a proxy whose keys throw", new Proxy({}, { ownKeys: throws })],
    ["a proxy whose members throw", [new Proxy([1], { get: throws })]],
  ])("given %s, throws invalid-change with the cause", (_name, original) => {
    const error = refusalOf(original);
    expect(error.code).toBe("invalid-change");
    expect(error.message).toContain('"result" could not be read');
    expect(error.cause).toBe(thrown);
  });

  test("given a revoked proxy, throws invalid-change", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(refusalOf({ a: proxy }).code).toBe("invalid-change");
  });

  test("given a getter that throws undefined, throws invalid-change", () => {
    const get = (): never => {
      throw undefined;
    };
    expect(refusalOf(Object.defineProperty({}, "a", { enumerable: true, get })).code).toBe(
      "invalid-change",
    );
  });
});

describe("checkedValue of hostile values", () => {
  test("given as many levels as are permitted, accepts the value; given one more, refuses it", () => {
    const deepest = nested(MAX_DEPTH);
    expect(checkedValue(deepest, "result", MAX_BYTES).value).toEqual(deepest as Json);
    const error = refusalOf(nested(MAX_DEPTH + 1));
    expect([error.code, error.message]).toEqual([
      "invalid-change",
      expect.stringContaining(`more than ${MAX_DEPTH} levels`),
    ]);
  });

  test("given 200,000 levels, refuses the value without a stack overflow", () => {
    const error = quickly(() => refusalOf(nested(200_000)));
    expect(error.code).toBe("invalid-change");
    expect(error.message.length).toBeLessThan(500);
  });

  test.each<[string, () => unknown]>([
    [
      "an object that contains itself",
      () => {
        const self: Record<string, unknown> = { a: 1 };
        self.self = self;
        return self;
      },
    ],
    [
      "an array that contains itself twice",
      () => {
        const self: unknown[] = [];
        self.push(self, self);
        return self;
      },
    ],
    [
      "two objects that contain each other",
      () => {
        const a: Record<string, unknown> = {};
        a.b = { a };
        return a;
      },
    ],
    [
      "a proxy that makes a new object at each read",
      () => {
        const make = (): object =>
          new Proxy({ a: 1 }, { get: (_of, key) => (key === "a" ? make() : undefined) });
        return make();
      },
    ],
  ])("given %s, refuses it", (_name, make) => {
    expect(["invalid-change", "too-large"]).toContain(quickly(() => refusalOf(make())).code);
  });

  test.each<[string, (inner: unknown) => unknown]>([
    ["an array", (inner) => [inner, inner]],
    ["an object", (inner) => ({ a: inner, b: inner })],
  ])("given %s that doubles sixty times, is too large, and soon", (_name, double) => {
    expect(quickly(() => refusalOf(doubled(60, double))).code).toBe("too-large");
  });

  test.each<[string, () => unknown]>([
    ["a string of 100 MB", () => "é".repeat(100_000_000)],
    ["an array of 20 million numbers", () => new Array(20_000_000).fill(1)],
    [
      "an array that claims to be endless",
      () => new Proxy([], { get: (_of, key) => (key === "length" ? 2 ** 53 : 1) }),
    ],
    ["one long string, a million times", () => new Array(1_000_000).fill("x".repeat(200_000))],
  ])("given %s, is too large, and is not copied to find out", (_name, make) => {
    const original = make();
    expect(quickly(() => refusalOf(original)).code).toBe("too-large");
  });
});
