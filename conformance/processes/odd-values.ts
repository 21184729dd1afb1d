import type { Random } from "./random.js";

/** Makes a value that no correct program passes. Each call returns a new one, since some of them change. */
export function oddValue(random: Random): unknown {
  const value = random.pick(MAKERS)(random);
  if ((typeof value === "object" && value !== null) || typeof value === "function") made.add(value);
  return value;
}

const made = new WeakSet<object>();

/** Whether {@link oddValue} has made this very object. False for primitive values. */
export function isOddValue(value: unknown): boolean {
  return made.has(value as object);
}

type Maker = (random: Random) => unknown;

/** Arrays or objects in that many levels. Anything that calls itself for each level fails on 5,000 of them. */
export function nested(levels: number, inObjects: boolean): unknown {
  let value: unknown = "innermost";
  for (let level = 0; level < levels; level += 1) value = inObjects ? { inner: value } : [value];
  return value;
}

const PRIMITIVES: readonly Maker[] = [
  undefined,
  null,
  true,
  0,
  -0,
  -1,
  50,
  1e308,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2n ** 80n,
  Symbol("odd"),
  "",
  "\0",
  "\ud800",
  "__proto__",
  "toString",
  "data: x\n\nevent: end\r\r",
  "../../etc/passwd",
].map((value) => () => value);

const LARGE: readonly Maker[] = [
  () => nested(5_000, true),
  () => nested(5_000, false),
  () => nested(101, true),
  () => "x".repeat(300_000),
  () => "\u2028ő".repeat(200_000),
  () => Array.from({ length: 100_000 }, (_, index) => index),
  () => Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`key${index}`, index])),
  () => ({ ["k".repeat(300_000)]: 1 }),
  () => wide(30),
  () => new Array(2 ** 32 - 1),
];

const CYCLIC: readonly Maker[] = [
  () => {
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    return cycle;
  },
  () => {
    const cycle: unknown[] = [];
    cycle.push([cycle, cycle]);
    return cycle;
  },
  () => {
    const error = new Error("cyclic");
    error.cause = error;
    return error;
  },
];

const OBJECTS: readonly Maker[] = [
  () => new Date(Number.NaN),
  () => new Date(0),
  () => new Map([[{}, {}]]),
  () => new Set([1]),
  () => new WeakMap(),
  () => new Uint8Array(100),
  () => new ArrayBuffer(8),
  () => Buffer.from("odd"),
  () => /odd/g,
  () => new URL("https://example.test/?a=1"),
  () => new Error("Authorization: secret"),
  () => new AggregateError([new Error("one")], "many"),
  () => Object.assign(new Error(), { message: 42, name: {}, stack: null, code: [] }),
  () => Object.create(null),
  () => Object.create({ inherited: true }),
  () => JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}'),
  () => Object("text"),
  () => Object(Symbol("boxed")),
  () => Object.assign(new Array(4), { 1: 1 }),
  () => ({ a: { b: [undefined, () => {}, Symbol("in")] } }),
  () => ({ code: "x", message: "y", extra: new Map() }),
  () => ({ code: {}, message: [] }),
  () => ({ percent: "50", message: 7, metadata: [], unit: {}, total: Number.NaN }),
  () => globalThis,
  () => function named() {},
  () => class Odd {},
  () => async () => {},
];

const THROWING: readonly Maker[] = [
  () => thrower("getter"),
  () => Object.defineProperty({}, "message", { enumerable: true, get: () => fail("message") }),
  () => Object.defineProperty([], "length", { value: 2 }),
  () => ({ toJSON: () => fail("toJSON") }),
  () => ({ toJSON: () => nested(5_000, true) }),
  () => ({ toString: () => fail("toString"), valueOf: () => fail("valueOf") }),
  () => ({ toString: undefined, [Symbol.toPrimitive]: () => fail("toPrimitive") }),
  () => ({
    get [Symbol.toStringTag]() {
      return fail("toStringTag");
    },
  }),
  () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable that rejects is one of the odd values.
    then: (_: unknown, reject: (error: unknown) => void) =>
      reject(Object.assign(new Error("thenable"), { name: ODD_ERROR })),
  }),
  () => ({
    // biome-ignore lint/suspicious/noThenProperty: a thenable that throws is one of the odd values.
    get then() {
      return fail("then");
    },
  }),
  () => Object.assign(rejected(), { catch: undefined }),
  () => proxyThatThrows({}),
  () => proxyThatThrows([]),
  () => proxyThatThrows(new Error("in a proxy")),
  () => proxyThatThrows(() => {}),
  () => new Proxy({}, { get: () => nested(200, true), ownKeys: () => ["a", "b"] }),
  () => new Proxy({}, { get: () => thrower("in a proxy"), has: () => true }),
  () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    return proxy;
  },
];

/** Some in which another odd value is a member. */
const MEMBERS: readonly Maker[] = [
  (random) => ({ a: 1, odd: oddValue(random), z: "kept" }),
  (random) => [oddValue(random), "kept"],
  (random) => ({ percent: oddValue(random), message: "kept" }),
  (random) => ({ percent: 10, message: oddValue(random), metadata: oddValue(random) }),
  (random) => ({ metadata: { odd: oddValue(random), count: 1 } }),
  (random) => ({ done: oddValue(random), total: oddValue(random), unit: oddValue(random) }),
  (random) => ({ message: oddValue(random), error: oddValue(random) }),
  (random) => ({ code: oddValue(random), message: oddValue(random) }),
  (random) => ({ level: oddValue(random), data: oddValue(random) }),
];

const MAKERS: readonly Maker[] = [
  ...PRIMITIVES,
  ...LARGE,
  ...CYCLIC,
  ...OBJECTS,
  ...THROWING,
  ...MEMBERS,
  ...MEMBERS,
];

/** An array of `levels` levels that has 2^levels leaves as JSON, and takes next to no memory. */
function wide(levels: number): unknown {
  let value: unknown = [];
  for (let level = 0; level < levels; level += 1) value = [value, value];
  return value;
}

function thrower(name: string): unknown {
  return Object.defineProperty({ a: 1 }, "b", { enumerable: true, get: () => fail(name) });
}

/** A promise that rejects and is handled, so that only its use by others can be seen. */
function rejected(): Promise<never> {
  const promise = Promise.reject(Object.assign(new Error("rejected"), { name: ODD_ERROR }));
  promise.catch(() => {});
  return promise;
}

function proxyThatThrows(target: object): unknown {
  return new Proxy(target, new Proxy({}, { get: (_, trap) => () => fail(String(trap)) }));
}

/** The name of the errors that the odd values throw themselves. */
export const ODD_ERROR = "OddValueError";

function fail(name: string): never {
  throw Object.assign(new Error(`An odd value threw in ${name}.`), { name: ODD_ERROR });
}
