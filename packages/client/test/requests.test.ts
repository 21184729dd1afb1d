import { isProgressError, type WatchOptions } from "@emlinh/progress-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { resolveWatchOptions } from "../src/core/options.js";
import { sendRequest } from "../src/transports/http.js";
import { connectionFixture, percentIs } from "./support/connection-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();
const { open, retryNow } = fixture;

/** A browser's `fetch` makes a Request before anything else, and throws if that fails. */
function browserFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  return fetch(new Request(input, init));
}

function throwing(): never {
  throw new Error("no session");
}

const WRONG_HEADERS: readonly (readonly [name: string, headers: unknown, message: string])[] = [
  [
    "a value outside ISO-8859-1",
    { "x-name": "đ" },
    '"headers["x-name"]" must be text that HTTP can send',
  ],
  ["a value of two lines", { "x-name": "a\nb" }, '"headers["x-name"]"'],
  ["a name that is no token", [["x name", "1"]], '"headers["x name"]"'],
  [
    "a function that returns such a value",
    async () => ({ ok: "1", "x-name": "đ" }),
    'but it is "đ"',
  ],
  ["a function that throws", throwing, 'The function in the option "headers" threw an error'],
  ["a text", "authorization: 1", 'The option "headers" must be'],
];

describe.each([
  ["Node's fetch", undefined],
  ["a browser's fetch", browserFetch],
])("a request of the caller that cannot be sent, with %s", (_name, fetch) => {
  for (const transport of ["stream", "poll"] as const)
    test.each(WRONG_HEADERS)(
      `given headers with %s, the ${transport} fails at once, finally, and names the value`,
      async (_case, headers, message) => {
        fixture.server.create("a");
        const watch = open({ fetch, transport, headers: headers as HeadersInit });
        const { connection } = await untilStatus(watch, "closed", "waiting");
        expect(connection.status).toBe("closed");
        expect(connection.error).toMatchObject({ code: "invalid-option", retryable: false });
        expect(connection.error?.message).toContain(message);
        await expect(watch.result).rejects.toMatchObject({ code: "invalid-option" });
        await expect(watch.cancel()).rejects.toMatchObject({ code: "invalid-option" });
        expect(fixture.server.requests).toEqual([]);
        expect(fixture.time.pending()).toEqual([]);
      },
    );

  test.each(["http://[::1/api", "http://a b/api", "https://user:secret@server.test/api"])(
    "given the base URL %o, fails at once, finally, and names it",
    async (baseUrl) => {
      const watch = open({ fetch, baseUrl });
      const { connection } = await untilStatus(watch, "closed", "waiting");
      expect(connection.status).toBe("closed");
      expect(connection.error).toMatchObject({ code: "invalid-option", retryable: false });
      // A password in it is not shown.
      expect(connection.error?.message).toContain(baseUrl.replace(/.*@/, ""));
    },
  );

  test.each(["/api/a", "localhost:3000/api/a", "ftp://server.test/a", "ws://server.test/a", ""])(
    "given the address %o, fails at once, finally, and names it",
    async (url) => {
      const options = resolveWatchOptions({ baseUrl: fixture.server.baseUrl, fetch });
      const { signal } = new AbortController();
      const outcome = await sendRequest(
        { ...options, url, refresh: false, signal },
        { headers: {} },
        { accepted: async () => "answered" },
      );
      expect(outcome).toMatchObject({ error: { code: "invalid-option", retryable: false } });
      expect(outcome).toMatchObject({
        error: { message: expect.stringContaining(`${url} cannot be requested`) },
      });
    },
  );
});

describe("in a page", () => {
  beforeEach(() => vi.stubGlobal("location", { protocol: "app:", href: "app://host/" }));
  afterEach(() => vi.unstubAllGlobals());

  test("given an address with the scheme of the page, a failure is one of the network", async () => {
    const options: WatchOptions = {
      baseUrl: "app://host/api",
      fetch: () => Promise.reject(new TypeError("Failed to fetch")),
    };
    const { connection } = await untilStatus(open(options), "waiting", "closed");
    expect(connection.error).toMatchObject({ code: "network", retryable: true });
  });
});

test("given headers that cannot be fetched now, tries again", async () => {
  fixture.server.create("a", { percent: 1 });
  let calls = 0;
  const watch = open({
    headers: async () => {
      calls += 1;
      if (calls === 1) throw new Error("the token server is down");
      return { "x-token": "1" };
    },
  });
  const { connection } = await untilStatus(watch, "waiting");
  expect(connection.error?.cause).toMatchObject({ message: "the token server is down" });
  await retryNow(watch);
  await until(watch, percentIs(1));
  expect(fixture.server.requests[0]?.headers["x-token"]).toBe("1");
});

test("given headers of another implementation of Headers, sends them", async () => {
  fixture.server.create("a", { percent: 1 });
  const headers = {
    *[Symbol.iterator]() {
      yield ["x-token", "1"];
    },
  };
  await until(open({ headers: headers as unknown as HeadersInit }), percentIs(1));
  expect(fixture.server.requests[0]?.headers["x-token"]).toBe("1");
});

test("given a server that cannot be reached, the error names the address and baseUrl", async () => {
  const { baseUrl } = fixture.server;
  await fixture.server.close();
  const { connection } = await untilStatus(open(), "waiting");
  expect(isProgressError(connection.error, "network")).toBe(true);
  expect(connection.error?.message).toBe(
    `The request to ${baseUrl}/a (baseUrl: "${baseUrl}") failed; see the cause.`,
  );
});

test("given a wrong mount, the error names the address and baseUrl", async () => {
  fixture.server.create("a");
  fixture.server.intercept = ({ response }) => {
    response.writeHead(404, { "content-type": "text/html" }).end("Cannot GET /api/a");
    return true;
  };
  const { baseUrl } = fixture.server;
  const { connection } = await untilStatus(open(), "waiting");
  expect(connection.error?.message).toContain(
    `${baseUrl}/a (baseUrl: "${baseUrl}") answered with status 404`,
  );
});
