import { type JobWatch, type WatchOptions, watchJob } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import { connectionFixture } from "./support/connection-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = connectionFixture();

function make(options: Partial<WatchOptions>, jobId = "a"): JobWatch {
  const { server, time } = fixture;
  const watch = watchJob(jobId, { baseUrl: server.baseUrl, ...time, random: () => 0, ...options });
  fixture.stopLater(watch);
  return watch;
}

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
    ["baseUrl", { baseUrl: "/api/video-progress" }],
    ["baseUrl", { baseUrl: "" }],
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

  test.each(["", undefined as unknown as string])("given %o for a job id, throws", (jobId) => {
    expect(() => watchJob(jobId, { baseUrl: fixture.server.baseUrl })).toThrow(/jobId/);
  });

  test("given undefined, uses the default; given a slash at the end of baseUrl, drops it", async () => {
    fixture.server.create("a", { percent: 1 });
    const watch = make({ maxAttempts: undefined, baseUrl: `${fixture.server.baseUrl}/` });
    await until(watch, ({ job }) => job?.percent === 1);
    expect(fixture.server.requests[0]?.url.pathname).toBe("/api/a");
  });

  test("given a malformed job id, does not request another address", async () => {
    const watch = make({}, "../a?x");
    await untilStatus(watch, "closed");
    expect(fixture.server.requests[0]?.url.pathname).toBe("/api/..%2Fa%3Fx");
  });
});
