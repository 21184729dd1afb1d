import type { JobManagerOptions } from "@emlinh/progress-client";
import { inputText } from "@emlinh/progress-client/core/manager/input-text";
import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { managerFixture } from "./support/manager-fixture.js";

const fixture = managerFixture();
const { make, serveCreate, posts } = fixture;

class Point {
  readonly x = 1;
}
class Money {
  toJSON() {
    return { cents: 5 };
  }
}
const cycle: Record<string, unknown> = { topic: "a" };
const twice = { x: {} };
cycle.list = [{ again: cycle }];

describe("an input that JSON would change or lose", () => {
  test.each<[string, unknown, string, string]>([
    ["a form", new FormData(), "input", "FormData"],
    ["search parameters", new URLSearchParams("a=1"), "input", "URLSearchParams"],
    ["a map", new Map([["a", 1]]), "input", "Map"],
    ["a set", new Set([1]), "input", "Set"],
    ["an instance of a class", new Point(), "input", "Point"],
    ["a promise that was not awaited", Promise.resolve({}), "input", "Promise"],
    ["a date as the input", new Date(0), "input", "1970-01-01T00:00:00.000Z"],
    ["a list as the input", ["a"], "input", "Array"],
    ["a text as the input", "topic", "input", "topic"],
    ["null as the input", null, "input", "null"],
    ["no input", undefined, "input", "undefined"],
    ["a function as the input", () => {}, "input", "a function"],
    ["a file", { photo: new File(["x"], "x.png") }, "input.photo", "File"],
    ["a blob", { photo: new Blob(["x"]) }, "input.photo", "Blob"],
    ["bytes", { photo: new Uint8Array(2) }, "input.photo", "Uint8Array"],
    ["a buffer of bytes", { photo: new ArrayBuffer(2) }, "input.photo", "ArrayBuffer"],
    ["a regular expression", { pattern: /a/ }, "input.pattern", "RegExp"],
    ["an error", { cause: new Error("x") }, "input.cause", "Error"],
    ["a map in a list", { a: { b: [1, new Map()] } }, "input.a.b.1", "Map"],
    ["a function", { onEnd() {} }, "input.onEnd", "a function"],
    ["a symbol", { kind: Symbol("x") }, "input.kind", "Symbol(x)"],
    ["NaN", { n: Number.NaN }, "input.n", "NaN"],
    ["Infinity", { n: [Number.POSITIVE_INFINITY] }, "input.n.0", "Infinity"],
    ["a BigInt", { n: 5n }, "input.n", "5"],
    ["undefined in a list", { list: [undefined] }, "input.list.0", "undefined"],
    ["a cycle", cycle, "input.list.0.again", "a cycle"],
  ])("given %s, rejects at once and names the member", async (_case, input, member, value) => {
    const videos = make();
    let creating: Promise<unknown> | undefined;
    expect(() => {
      creating = videos.create(input as object);
    }).not.toThrow();
    await expect(creating).rejects.toMatchObject({
      code: "invalid-option",
      retryable: false,
      message: expect.stringContaining(`"${member}" must be`),
    });
    await expect(creating).rejects.toThrow(`, but it is "${value}".`);
    expect(fixture.server.requests).toEqual([]);
  });

  test.each([
    ["a member", Object.defineProperty({}, "a", { enumerable: true, get: fail })],
    ["toJSON", { toJSON: fail }],
  ])("given %s that throws, rejects with its error as the cause", async (_case, input) => {
    await expect(make().create(input)).rejects.toMatchObject({
      code: "invalid-option",
      cause: new Error("a bug of the page"),
    });
  });

  test("given two different forms, they don't become one job", async () => {
    serveCreate();
    const videos = make();
    const outcomes = await Promise.allSettled([
      videos.create(new FormData()),
      videos.create(new FormData()),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(posts()).toEqual([]);
  });
});

function fail(): never {
  throw new Error("a bug of the page");
}

describe("an input that JSON keeps", () => {
  test.each<[string, object, unknown]>([
    [
      "dates and others with toJSON",
      { at: new Date(0), price: new Money() },
      { at: "1970-01-01T00:00:00.000Z", price: { cents: 5 } },
    ],
    ["an object with toJSON", new Money(), { cents: 5 }],
    [
      "members that are undefined",
      { a: undefined, b: { c: undefined, d: null } },
      { b: { d: null } },
    ],
    ["an object without a prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [
      "the same object twice",
      { a: [twice], b: twice, c: twice },
      { a: [{ x: {} }], b: { x: {} }, c: { x: {} } },
    ],
  ])("given %s, sends it", async (_case, input, received) => {
    serveCreate();
    await make().create(input);
    expect(JSON.parse(posts()[0]?.body ?? "")).toEqual(received);
  });

  test("given any object of JSON, its text is that of JSON.stringify", () => {
    const object = fc.dictionary(fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(object, (input) => {
        expect(inputText(input)).toBe(JSON.stringify(input));
      }),
    );
  });
});

describe("an idempotency key", () => {
  test.each([
    ["k-1", "k-1"],
    ["~!#$&'()*+,/:;=?@[]", "~!#$&'()*+,/:;=?@[]"],
    ["đơn 7", "%C4%91%C6%A1n%207"],
    ["100%", "100%25"],
    ["%C4%91", "%25C4%2591"],
    ["🎬\r\n", "%F0%9F%8E%AC%0D%0A"],
  ])("given %o, sends %o, which decodeURIComponent reads back", async (key, header) => {
    serveCreate();
    await make().create({}, { key });
    expect(posts()[0]?.headers["idempotency-key"]).toBe(header);
    expect(decodeURIComponent(header)).toBe(key);
  });

  test.each(["", "\ud83c", 7, null, {}])(
    "given %o, rejects at once and names the key",
    async (key) => {
      const creating = make().create({}, { key: key as string });
      await expect(creating).rejects.toMatchObject({
        code: "invalid-option",
        message: expect.stringContaining(`"key" must be`),
      });
      expect(fixture.server.requests).toEqual([]);
    },
  );

  test("given a page without crypto, each key is another one", async () => {
    serveCreate();
    vi.stubGlobal("crypto", undefined);
    const videos = make();
    await Promise.all([videos.create({ n: 1 }), videos.create({ n: 2 })]);
    const keys = posts().map(({ headers }) => headers["idempotency-key"]);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[0]).not.toBe(keys[1]);
  });
});

afterEach(() => vi.unstubAllGlobals());

describe("a mistake of the caller", () => {
  const thrower = () => {
    throw new Error("a bug of the page");
  };

  test.each<[string, Partial<JobManagerOptions>, string]>([
    ["a header that can't be sent", { headers: { "x-name": "đ" } }, 'headers["x-name"]'],
    ["a function for headers that throws", { headers: thrower }, '"headers" threw'],
    ["a createUrl without a host", { createUrl: "http://" }, '"createUrl"'],
    ["a path where there is no page", { createUrl: "/api/create" }, '"createUrl"'],
  ])("given %s, create rejects at once and names it", async (_case, options, named) => {
    await expect(make(options).create({})).rejects.toMatchObject({
      code: "invalid-option",
      retryable: false,
      message: expect.stringContaining(named),
    });
    expect(fixture.server.requests).toEqual([]);
    expect(fixture.time.pending()).toEqual([]);
  });

  test("given credentials that fetch does not know, the manager is not made", () => {
    expect(() => make({ credentials: "always" as never })).toThrow(
      expect.objectContaining({
        code: "invalid-option",
        message: expect.stringMatching(/"credentials" .* "always"/),
      }),
    );
  });
});
