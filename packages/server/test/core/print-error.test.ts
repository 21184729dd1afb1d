import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  allowAnyone,
  createProgress,
  type JobState,
  memoryStore,
  ProgressError,
  type ProgressOptions,
} from "../../src/index.js";
import { createErrorPrinter } from "../../src/shared/print-error.js";
import { closedGate } from "./gate.js";

const lines: string[] = [];
beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation((line) => void lines.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  lines.length = 0;
});

async function runFailing(times: number, options: Partial<ProgressOptions> = {}) {
  const progress = createProgress({ store: memoryStore(), authorize: allowAnyone, ...options });
  const states: JobState[] = [];
  for (let time = 0; time < times; time += 1) {
    const job = await progress.create({ kind: "k" });
    states.push(
      await progress.run(job, () => {
        throw new TypeError(`Cannot read\nframe ${time}`);
      }),
    );
  }
  await progress.close();
  return states;
}

describe("the default of onError", () => {
  test("given work that throws, writes one line with the error and where it was thrown, once per kind", async () => {
    expect((await runFailing(3)).map(({ status }) => status)).toEqual([
      "failed",
      "failed",
      "failed",
    ]);
    expect(lines).toEqual([
      expect.stringMatching(
        /^\[@emlinh\/progress\] job-failed: The work of the job "[0-9a-f]+" failed\./,
      ),
    ]);
    expect(lines[0]).toMatch(
      /Cause: TypeError: Cannot read frame 0 at .*print-error\.test\.ts:\d+/,
    );
    expect(lines[0]).not.toContain("\n");
  });

  test("given a function, writes nothing", async () => {
    const errors: ProgressError[] = [];
    await runFailing(2, { onError: (error) => errors.push(error) });
    expect(lines).toEqual([]);
    expect(errors.map(({ code }) => code)).toEqual(["job-failed", "job-failed"]);
  });

  test("given a function that does nothing, writes nothing", async () => {
    await runFailing(1, { onError: () => {} });
    expect(lines).toEqual([]);
  });

  test("given errors of other kinds, writes a line for each", () => {
    const print = createErrorPrinter();
    print(new ProgressError("store-unavailable", { message: 'Read of "a" took 5 ms.' }));
    print(new ProgressError("store-unavailable", { message: 'Read of "b" took 77 ms.' }));
    print(new ProgressError("store-unavailable", { message: "Write failed." }));
    print(new ProgressError("internal", { message: "Write failed." }));
    expect(lines.map((line) => line.slice("[@emlinh/progress] ".length))).toEqual([
      'store-unavailable: Read of "a" took 5 ms.',
      "store-unavailable: Write failed.",
      "internal: Write failed.",
    ]);
  });

  test.each<[string, unknown]>([
    ["a revoked proxy", revokedProxy()],
    ["a symbol", Symbol("odd")],
    ["an object whose toString throws", { toString: () => fail() }],
    ["an error whose stack throws", Object.defineProperty(new Error("x"), "stack", { get: fail })],
    ["an object without a prototype", Object.create(null)],
  ])("given %s as the cause, still writes the line", (_name, cause) => {
    createErrorPrinter()(new ProgressError("job-failed", { message: "The work failed.", cause }));
    expect(lines).toEqual([expect.stringMatching(/job-failed: The work failed\. Cause: \S/)]);
  });

  test("given line breaks and control characters in a message, writes one line without them", () => {
    const cause = new Error("bad\u0007\u001b[2J\nfaked: line");
    createErrorPrinter()(new ProgressError("internal", { message: "One\r\ntwo\u2028", cause }));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^\[@emlinh\/progress\] internal: One two Cause: Error: bad \[2J faked: line at /,
    );
    expect(lines[0]).not.toMatch(/\p{Cc}|\u2028/u);
  });

  test("given a program that makes kinds up, writes a bounded number of lines", () => {
    const print = createErrorPrinter();
    const letters = (n: number): string => n.toString(2).replaceAll("0", "a").replaceAll("1", "b");
    for (let kind = 0; kind < 5_000; kind += 1)
      print(new ProgressError("internal", { message: letters(kind) }));
    expect(lines).toHaveLength(1_000);
  });
});

function fail(): never {
  throw new Error("odd");
}

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

describe("run with rethrow", () => {
  const silent = { store: memoryStore(), authorize: allowAnyone, onError: () => {} };

  test.each<[string, unknown]>([
    ["an error", new Error("ffmpeg: exit 1")],
    ["an error of this library", new ProgressError("job-lost", { message: "Of another job." })],
    ["job-finished", new ProgressError("job-finished", { message: "Of another job." })],
    ["undefined", undefined],
    ["null", null],
  ])("given work that throws %s, ends the job as failed and throws it", async (_name, error) => {
    const progress = createProgress(silent);
    const job = await progress.create({ kind: "k" });
    const work = (): never => {
      throw error;
    };
    const thrown = await progress.run(job, work, { rethrow: true }).then(
      () => ["nothing was thrown"],
      (caught: unknown) => ({ caught }),
    );
    expect(thrown).toEqual({ caught: error });
    expect(await progress.status(job.id)).toMatchObject({
      status: "failed",
      error: { code: "job-failed", message: "The job failed." },
    });
    await progress.close();
  });

  test("given work that ends its job as failed and throws, throws its error and reports it once", async () => {
    const errors: ProgressError[] = [];
    const progress = createProgress({ ...silent, onError: (error) => errors.push(error) });
    const cause = new Error("ffmpeg: exit 1");
    const running = progress.run(
      await progress.create({ kind: "k" }),
      async (job) => {
        await job.fail(cause);
        throw cause;
      },
      { rethrow: true },
    );
    await expect(running).rejects.toBe(cause);
    expect(errors).toMatchObject([{ code: "job-failed", cause }]);
    await progress.close();
  });

  test("given work that is cancelled, resolves with the state", async () => {
    const progress = createProgress(silent);
    const job = await progress.create({ kind: "k" });
    const opened = closedGate();
    const running = progress.run(
      job,
      async ({ signal }) => {
        opened.open();
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason));
        });
      },
      { rethrow: true },
    );
    await opened.opened;
    await progress.cancel(job.id);
    expect((await running).status).toBe("cancelled");
    await progress.close();
  });

  test("given a result that can't be stored, throws the error that says so", async () => {
    const progress = createProgress(silent);
    const job = await progress.create({ kind: "k" });
    const running = progress.run(job, async () => new Map() as never, { rethrow: true });
    await expect(running).rejects.toMatchObject({ code: "invalid-change" });
    expect(await progress.status(job.id)).toMatchObject({ status: "failed" });
    await progress.close();
  });
});

describe("the error of work whose job does not end as failed", () => {
  test("given work that completes its job and returns, reports nothing", async () => {
    const errors: ProgressError[] = [];
    const progress = createProgress({ ...REQUIRED, onError: (error) => errors.push(error) });
    const state = await progress.run(await progress.create({ kind: "k" }), async (job) => {
      await job.complete(1);
    });
    expect(state).toMatchObject({ status: "completed", result: 1 });
    expect(errors).toEqual([]);
    await progress.close();
  });

  test("given work that completes its job and then throws, onError gets the error", async () => {
    const errors: ProgressError[] = [];
    const progress = createProgress({ ...REQUIRED, onError: (error) => errors.push(error) });
    const cause = new Error("while cleaning up");
    const state = await progress.run(await progress.create({ kind: "k" }), async (job) => {
      await job.complete(1);
      throw cause;
    });
    expect(state).toMatchObject({ status: "completed", result: 1 });
    expect(errors).toMatchObject([{ code: "job-failed", cause }]);
    await progress.close();
  });
});

const REQUIRED = { store: memoryStore(), authorize: allowAnyone };

test("given an error whose message has many line breaks, prints one line in little time", () => {
  const cause = new Error(`Frame ${"\n".repeat(500_000)}end`);
  const began = performance.now();
  createErrorPrinter()(new ProgressError("internal", { message: "A fault.", cause }));
  expect(performance.now() - began).toBeLessThan(1_000);
  expect(lines).toEqual([
    expect.stringMatching(/^\[@emlinh\/progress\] internal: A fault\. Cause: Error: Frame/),
  ]);
});
