import { describe, expect, test } from "vitest";
import { allowAnyone, createProgress, memoryStore, type ProgressOptions } from "../../src/index.js";
import { shown } from "../../src/shared/untyped.js";
import { makeContext, useFakeTime } from "./context.js";
import { requestFacts } from "./requests.js";

useFakeTime();

const REQUIRED = { store: memoryStore(), authorize: allowAnyone };

describe("options", () => {
  test.each<Record<string, unknown>>([
    { store: undefined },
    { store: {} },
    { authorize: undefined },
    { authorize: true },
    { onError: "log" },
    { clock: 5 },
    { random: 5 },
    { heartbeatMs: 0 },
    { heartbeatMs: Number.NaN },
    { heartbeatMs: "30" },
    { heartbeatMs: false },
    { heartbeatMs: 2 ** 31 },
    { heartbeatMs: 60_000, idleTimeoutMs: 60_000 },
    { idleTimeoutMs: -1 },
    { maxAgeMs: 0 },
    { stallMs: Number.POSITIVE_INFINITY },
    { rereadMs: -5 },
    { retryMs: 0 },
    { maxWaitMs: 0 },
    { maxStreams: 0 },
    { maxStreams: 1.5 },
    { maxStreamsPerJob: -1 },
    { maxStreamsPerConnection: 0 },
    { maxStreamsPerPrincipal: 0 },
    { maxReportsPerSecond: 0 },
    { maxReportsPerSecond: 0.5 },
    { recheckMs: 0 },
    { recheckMs: "60" },
    { authorizeTimeoutMs: 0 },
    { authorizeTimeoutMs: Number.POSITIVE_INFINITY },
    { trustedOrigins: "https://app.example.com" },
    { trustedOrigins: {} },
    { cors: true },
    { leaseMs: 0 },
    { leaseMs: 200, reportIntervalMs: 100 },
    { sweepIntervalMs: 0 },
    { sweepLimit: 0 },
    { reportIntervalMs: 0 },
    { maxDeliveryMs: 0 },
  ])("given %o, throws invalid-option and names the option and its value", (wrong) => {
    const options = { ...REQUIRED, ...wrong } as unknown as ProgressOptions;
    const [[name, value]] = Object.entries(wrong) as [[string, unknown]];
    const isPair = Object.keys(wrong).length > 1;
    expect(() => createProgress(options)).toThrow(
      expect.objectContaining({
        code: "invalid-option",
        message: isPair
          ? expect.stringMatching(/which is \d+/)
          : expect.stringContaining(`${name} is ${shown(value)}`),
      }),
    );
  });

  test.each([
    "*",
    "",
    "null",
    "app.example.com",
    "//app.example.com",
    "https://",
    "https://app.example.com/",
    "https://app.example.com/path",
    "https://app.example.com?x",
    "https://user@app.example.com",
    "https://a.example, https://b.example",
    "https://*.example.com:x",
    " https://app.example.com",
    5,
    null,
  ])("given the trusted origin %j, throws invalid-option and names it", (origin) => {
    const options = { ...REQUIRED, trustedOrigins: ["https://ok.example", origin as string] };
    expect(() => createProgress(options)).toThrow(
      expect.objectContaining({
        code: "invalid-option",
        message: expect.stringContaining(`trustedOrigins[1] is ${shown(origin)}`),
      }),
    );
  });

  test.each<[cors: unknown, message: string]>([
    [{}, "cors.origins is undefined"],
    [{ origins: "*" }, 'cors.origins is "*"'],
    [{ origins: "https://app.example.com" }, 'cors.origins is "https://app.example.com"'],
    [{ origins: ["https://app.example.com/"] }, 'cors.origins[0] is "https://app.example.com/"'],
    [{ origins: ["null"] }, 'cors.origins[0] is "null"'],
    [{ origins: ["*", "https://a.example"] }, 'cors.origins has "*" and other origins'],
    [{ origins: ["*"], credentials: true }, 'cors.origins is ["*"] with credentials'],
    [{ origins: [], credentials: "include" }, 'cors.credentials is "include"'],
    [{ origins: [], maxAgeSeconds: -1 }, "cors.maxAgeSeconds is -1"],
    [{ origins: [], maxAge: 5 }, 'no option "maxAge"; known are "origins"'],
    [{ origin: [] }, 'no option "origin"; did you mean "origins"?'],
  ])("given the CORS options %o, throws invalid-option: %s", (cors, message) => {
    const options = { ...REQUIRED, cors } as unknown as ProgressOptions;
    expect(() => createProgress(options)).toThrow(
      expect.objectContaining({
        code: "invalid-option",
        message: expect.stringContaining(message),
      }),
    );
  });

  test("given undefined, uses the defaults and does not change the object of the caller", async () => {
    const options = Object.freeze({ ...REQUIRED, heartbeatMs: undefined, onError: undefined });
    await createProgress(options).close();
    expect(Object.keys(options)).toHaveLength(4);
  });

  test("given an onError that throws, ignores its error", async () => {
    let calls = 0;
    const { progress, createJob, store } = makeContext({
      onError: () => {
        calls += 1;
        throw new Error("The logger failed.");
      },
    });
    const id = await createJob();
    store.fail("read");
    await expect(progress.status(id)).rejects.toMatchObject({ code: "store-unavailable" });
    expect(await progress.handle(requestFacts(`/${id}`))).toMatchObject({ status: 503 });
    expect(calls).toBe(1);
  });
});
