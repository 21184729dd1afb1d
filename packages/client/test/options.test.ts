import { type JobWatch, type WatchOptions, watchJob } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { connectionFixture } from "./support/connection-fixture.js";
import { until } from "./support/until.js";

const fixture = connectionFixture();

function make(options: Partial<WatchOptions>, jobId = "a"): JobWatch {
  const { server, time } = fixture;
  const watch = watchJob(jobId, { baseUrl: server.baseUrl, ...time, random: () => 0, ...options });
  fixture.stopLater(watch);
  return watch;
}

/** The end of each message. */
const LINK = " See docs/errors.md#invalid-option.";

describe("options", () => {
  test.each<[string, Partial<WatchOptions>]>([
    ["maxAttempts", { maxAttempts: 0 }],
    ["openTimeoutMs", { openTimeoutMs: Number.NaN }],
    ["pollIntervalMs", { pollIntervalMs: -1 }],
    ["maxLogLines", { maxLogLines: "many" as unknown as number }],
    ["backoffMs", { backoffMs: [] }],
    ["backoffMs", { backoffMs: [1000, -5] }],
    ["pollWaitMs", { pollWaitMs: "20" as unknown as number }],
    ["probesMs", { probesMs: [0] }],
    ["transport", { transport: "sse" as unknown as "stream" }],
    ["credentials", { credentials: "yes" as unknown as "include" }],
    ["baseUrl", { baseUrl: "" }],
    ["baseUrl", { baseUrl: "https://" }],
    ["baseUrl", { baseUrl: undefined as unknown as string }],
  ])("given a wrong %s, throws an error that names it", (name, options) => {
    expect(() => make(options)).toThrow(
      expect.objectContaining({ code: "invalid-option", message: expect.stringContaining(name) }),
    );
  });

  test.each<[Partial<WatchOptions>, string]>([
    [{ maxAttempts: 0 }, 'The option "maxAttempts" must be a number above 0, but it is "0".'],
    [
      { backoffMs: [5, -5] },
      'The option "backoffMs" must be a list of numbers above 0, but it is "5,-5".',
    ],
    [
      { transport: "sse" as unknown as "stream" },
      'The option "transport" must be auto, stream or poll, but it is "sse".',
    ],
  ])("given %o, says what is wrong and what is right", (options, message) => {
    expect(() => make(options)).toThrow(message);
  });

  test.each<Partial<WatchOptions>>([
    { probesMs: false },
    { probesMs: [] },
    { maxAttempts: Number.POSITIVE_INFINITY },
    { page: false },
  ])("given %o, accepts it", (options) => {
    expect(make(options).jobId).toBe("a");
  });

  test.each<unknown>(["", undefined, 5, {}, "..", "../a?x", "a b", "ä", "a".repeat(129)])(
    "given %o for a job id, throws an error that names it, and requests nothing",
    (jobId) => {
      expect(() => watchJob(jobId as string, { baseUrl: fixture.server.baseUrl })).toThrow(
        expect.objectContaining({
          code: "invalid-option",
          message: expect.stringMatching(/jobId.* letters, digits/),
        }),
      );
      expect(fixture.server.requests).toEqual([]);
    },
  );

  test("given undefined, uses the default; given a slash at the end of baseUrl, drops it", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = make({ maxAttempts: undefined, baseUrl: `${fixture.server.baseUrl}/` });
    await until(watch, ({ job }) => job?.percent === 1);
    expect(fixture.server.requests[0]?.url.pathname).toBe("/api/a");
  });

  test.each<[unknown, string]>([
    [undefined, 'The option "options" must be an object with a baseUrl, but it is "undefined".'],
    [null, 'The option "options" must be an object with a baseUrl, but it is "null".'],
    ["/api", 'The option "options" must be an object with a baseUrl, but it is "/api".'],
    [() => {}, 'The option "options" must be an object with a baseUrl, but it is a function.'],
    [
      {},
      'The option "baseUrl" must be a path such as "/api/progress" or an absolute URL, but it is "undefined".',
    ],
    [
      { baseUrl: { href: "/api" } },
      'The option "baseUrl" must be a path such as "/api/progress" or an absolute URL, but it is an object.',
    ],
    [{ baseURL: "/api" }, 'There is no option "baseURL". Use baseUrl.'],
    [{ baseUrl: "/api", header: {} }, 'There is no option "header". Use headers.'],
    [{ baseUrl: "/api", openTimeout: 1 }, 'There is no option "openTimeout". Use openTimeoutMs.'],
  ])("given the options %o, says in one sentence what to do", (options, message) => {
    expect(() => watchJob("a", options as WatchOptions)).toThrow(
      expect.objectContaining({ code: "invalid-option", message: `${message}${LINK}` }),
    );
  });

  test("given an option that is like no other, names those that exist", () => {
    const options = { baseUrl: "/api", colour: "red" };
    expect(() => watchJob("a", options)).toThrow(
      /^There is no option "colour"\. Use baseUrl, headers, .*, schedule\. See/,
    );
  });

  test("given an event that does not exist, names those that do", () => {
    const on = make({}).on as (name: string, listener: () => void) => void;
    expect(() => on("done", () => {})).toThrow(
      'The option "event" must be progress, step, log, connection, end, reset, but it is "done".',
    );
  });
});
