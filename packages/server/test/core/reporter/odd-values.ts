function odd(): never {
  throw new TypeError("an odd value");
}

const throwingTraps = new Proxy({}, { get: () => odd });
const revoked = Proxy.revocable({}, {});
const revokedFunction = Proxy.revocable(() => {}, {});
revoked.revoke();
revokedFunction.revoke();

function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = wrap(value);
  return value;
}

const cyclic: Record<string, unknown> = { percent: 5 };
cyclic.metadata = cyclic;
cyclic.message = [cyclic];

const cyclicError = new Error("cyclic");
cyclicError.cause = cyclicError;

const members = [
  "percent",
  "message",
  "metadata",
  "level",
  "data",
  "done",
  "error",
  "code",
  "then",
];
const withMembers = (value: () => unknown) =>
  Object.defineProperties(
    {},
    Object.fromEntries(members.map((name) => [name, { enumerable: true, get: value }])),
  );

/** Values that untyped code may pass, by name. No method of a reporter may throw for any of them. */
export const ODD_VALUES: readonly (readonly [name: string, value: unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["true", true],
  ["NaN", Number.NaN],
  ["-1", -1],
  ["-0", -0],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["a huge number", 1e308],
  ["a bigint", 10n ** 40n],
  ["an empty string", ""],
  ["a huge string", "x".repeat(3_000_000)],
  ["lone surrogates", "\ud800 \udfff"],
  ["control characters", "\u0000\r\n\n data: x\u2028"],
  ["__proto__", "__proto__"],
  ["constructor", "constructor"],
  ["a symbol", Symbol("odd")],
  ["Symbol.iterator", Symbol.iterator],
  ["a function", () => odd()],
  ["an async function", async () => odd()],
  ["a class", class Odd {}],
  ["an array", [1, [2]]],
  ["a sparse array", new Array(1_000_000)],
  ["a Date", new Date(0)],
  ["an invalid Date", new Date(Number.NaN)],
  ["a Map", new Map([["percent", 5]])],
  ["a Set", new Set([1])],
  ["a WeakMap", new WeakMap()],
  ["a RegExp", /x/],
  ["a Promise", Promise.resolve(1)],
  ["a boxed string", new String("x")],
  ["bytes", new Uint8Array(10)],
  ["a buffer", new ArrayBuffer(10)],
  ["a URL", new URL("https://example.com")],
  ["an AbortSignal", AbortSignal.abort()],
  [
    "a frozen object",
    Object.freeze({ percent: 5, message: "m", metadata: Object.freeze({ a: 1 }) }),
  ],
  ["an object without a prototype", Object.assign(Object.create(null), { percent: 5 })],
  ["an own __proto__", JSON.parse('{"__proto__": {"percent": 5}, "metadata": {"__proto__": 1}}')],
  ["5,000 levels of arrays", nested(5_000, (inner) => [inner])],
  ["5,000 levels of objects", nested(5_000, (metadata) => ({ metadata }))],
  ["metadata of 5,000 levels", { metadata: { deep: nested(5_000, (a) => ({ a })) } }],
  ["a shared value that would be huge", { metadata: { a: nested(60, (inner) => [inner, inner]) } }],
  ["a cyclic object", cyclic],
  ["an Error", new Error("odd")],
  ["a cyclic error", cyclicError],
  ["an error whose toString throws", Object.assign(new Error("odd"), { toString: odd })],
  ["an error whose message throws", Object.defineProperty(new Error(), "message", { get: odd })],
  ["a toString that throws", { toString: odd, valueOf: odd, [Symbol.toPrimitive]: odd }],
  ["a toJSON that throws", { toJSON: odd, message: "m" }],
  ["a tag that throws", Object.defineProperty({}, Symbol.toStringTag, { get: odd })],
  ["getters that throw", withMembers(odd)],
  [
    "getters that throw a revoked proxy",
    withMembers(() => {
      throw revoked.proxy;
    }),
  ],
  ["members that are odd", withMembers(() => throwingTraps)],
  ["members that are symbols", withMembers(() => Symbol("odd"))],
  ["members that are huge", withMembers(() => "x".repeat(500_000))],
  ["members that are functions", withMembers(() => odd)],
  ["members that are NaN", withMembers(() => Number.NaN)],
  [
    "a proxy whose traps throw",
    new Proxy(
      {},
      { get: odd, has: odd, ownKeys: odd, getPrototypeOf: odd, getOwnPropertyDescriptor: odd },
    ),
  ],
  ["a proxy whose prototype throws", new Proxy({ message: "m" }, { getPrototypeOf: odd })],
  ["a proxy whose keys throw", new Proxy({ message: "m" }, { ownKeys: odd })],
  ["a proxy of an error whose traps throw", new Proxy(new Error("x"), { get: odd })],
  ["a revoked proxy", revoked.proxy],
  ["a revoked function", revokedFunction.proxy],
  [
    "10,000 keys",
    { metadata: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, i])) },
  ],
  ["a huge key", { ["k".repeat(1_000_000)]: 1, metadata: { ["k".repeat(1_000_000)]: 1 } }],
  [
    "NaN among good values",
    { percent: Number.NaN, message: "m", done: 1, total: 2, level: "warn", data: Number.NaN },
  ],
  ["globalThis", globalThis],
];
