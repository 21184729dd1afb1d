import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { JobState, Progress } from "@emlinh/progress-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { startProxy } from "./support/cutting-proxy.js";
import { hasProgram, startProgram, startWorker } from "./support/python-worker.js";
import { baseOf, serve } from "./support/server.js";

const PLAN = ["prepare", "count"];
/** The primes below some bounds. */
const PRIMES = { "2000000": 148_933, "8000000": 539_777 } as const;
/** Far more numbers than a test has time for. */
const ENDLESS = "100000000000";

function start(...args: readonly string[]) {
  const worker = startWorker(...args);
  onTestFinished(async () => {
    worker.kill("SIGKILL");
    await worker.exited;
  });
  return worker;
}

/** Resolves when the state of a job satisfies a condition. */
async function untilState(
  progress: Progress,
  jobId: string,
  condition: (state: JobState) => boolean,
): Promise<JobState> {
  return new Promise((resolve, reject) => {
    progress
      .watch(jobId, (state) => {
        if (state !== undefined && condition(state)) resolve(state);
      })
      .catch(reject);
  });
}

const isCounting = ({ steps }: JobState) => (steps.count?.percent ?? null) !== null;
const hasEnded = ({ finishedAt }: JobState) => finishedAt !== null;

/** The texts of the log, after a check that no line is missing or stored twice. */
async function linesOf(base: string, jobId: string): Promise<string[]> {
  const delta = (await (await fetch(`${base}/${jobId}`)).json()) as {
    log: { n: number; text: string; data: { below: number } }[];
  };
  expect(delta.log.map(({ n }) => n)).toEqual(delta.log.map((_, index) => index + 1));
  const bounds = delta.log.map(({ data }) => data.below);
  expect(bounds).toEqual([...new Set(bounds)].sort((a, b) => a - b));
  return delta.log.map(({ text }) => text);
}

// Without Python the tests are skipped, except in CI, where they fail.
const isSkipped = !hasProgram("python3") && process.env.CI === undefined;

describe.skipIf(isSkipped)("a worker in Python", () => {
  test("given a job, reports its steps and lines, and completes it", async () => {
    const { progress, base } = await serve();
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    const percents: (number | null)[] = [];
    await progress.watch(id, (state) => void percents.push(state?.percent ?? null));
    expect(await start(base, id, "2000000").exited).toEqual({ code: 0, output: "open\n" });
    expect(await progress.status(id)).toMatchObject({
      status: "completed",
      percent: 100,
      result: { primes: PRIMES["2000000"] },
      steps: {
        prepare: { status: "completed" },
        count: { status: "completed", done: 2_000_000, total: 2_000_000, unit: "numbers" },
      },
    });
    expect(percents).toEqual([...percents].sort((a, b) => (a ?? 0) - (b ?? 0)));
    expect(await linesOf(base, id)).toHaveLength(10);
  });

  test("given a worker that is killed, its job is stale, then lost", async () => {
    const { progress, base } = await serve({ leaseMs: 600, sweepIntervalMs: 100 });
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    const worker = start(base, id, ENDLESS);
    await untilState(progress, id, isCounting);
    const stale = untilState(progress, id, (state) => state.stale);
    worker.kill("SIGKILL");
    expect(await stale).toMatchObject({ status: "running" });
    expect(await untilState(progress, id, hasEnded)).toMatchObject({
      status: "lost",
      steps: { count: { status: "failed" } },
    });
  });

  test("given a worker that lives, keeps the lease of a job longer than three leases", async () => {
    const { progress, base } = await serve({ leaseMs: 1_000, sweepIntervalMs: 50 });
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    start(base, id, ENDLESS);
    const { updatedAt } = await untilState(progress, id, isCounting);
    // On a busy machine a renewal may come late, and the job is stale until then.
    const later = await untilState(
      progress,
      id,
      (state) => state.updatedAt > updatedAt + 3_000 && !state.stale,
    );
    expect(later).toMatchObject({ status: "running" });
  });

  test("given a cancel, stops the work and ends the job as cancelled", async () => {
    const { progress, base } = await serve();
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    const worker = start(base, id, ENDLESS);
    await untilState(progress, id, isCounting);
    await progress.cancel(id);
    expect(await worker.exited).toEqual({ code: 0, output: "open\ncancelled\n" });
    expect(await progress.status(id)).toMatchObject({ status: "cancelled" });
  });

  test("given SIGTERM, gives the job back, and the next worker completes it", async () => {
    const { progress, base } = await serve();
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    const worker = start(base, id, ENDLESS);
    await untilState(progress, id, isCounting);
    worker.kill("SIGTERM");
    expect((await worker.exited).code).toBe(0);
    expect(await progress.status(id)).toMatchObject({ status: "queued", attempt: 1 });
    expect((await start(base, id, "2000000", "next").exited).code).toBe(0);
    expect(await progress.status(id)).toMatchObject({ status: "completed", attempt: 2 });
  });

  test("given a job that another worker takes over, stops", async () => {
    const { progress, base } = await serve();
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    const worker = start(base, id, ENDLESS);
    await untilState(progress, id, isCounting);
    const reporter = await progress.open(id, { takeOver: true });
    expect(await worker.exited).toEqual({ code: 1, output: "open\nstopped: hold-lost\n" });
    await reporter.close();
  });

  test("given a server that restarts, loses no line and completes", async () => {
    const server = await serve();
    const { progress, base, port } = server;
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    const proxy = await startProxy(
      () => port,
      () => "pass",
    );
    onTestFinished(() => proxy.close());
    const worker = start(baseOf(proxy.port), id, "8000000");
    await untilState(progress, id, isCounting);
    await server.stop();
    await expect.poll(() => proxy.cuts()).toBeGreaterThan(3);
    await server.start();
    expect(await worker.exited).toEqual({ code: 0, output: "open\n" });
    expect(await progress.status(id)).toMatchObject({
      status: "completed",
      result: { primes: PRIMES["8000000"] },
    });
    expect(await linesOf(base, id)).toHaveLength(40);
  });

  test("given connections that are refused, or cut after the server has acted, stores each line once", async () => {
    const { progress, base, port } = await serve();
    const treatments = ["pass", "cut-answer", "refuse", "cut-answer", "pass"] as const;
    const proxy = await startProxy(
      () => port,
      (connection) => treatments[connection % treatments.length] ?? "pass",
    );
    onTestFinished(() => proxy.close());
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    const worker = start(baseOf(proxy.port), id, "8000000");
    expect(await worker.exited).toEqual({ code: 0, output: "open\n" });
    expect(proxy.cuts()).toBeGreaterThan(3);
    expect((await progress.status(id))?.result).toEqual({ primes: PRIMES["8000000"] });
    expect(await linesOf(base, id)).toHaveLength(40);
  });

  test("given reports of eight threads, stores each line once and the last values, in few requests", async () => {
    let reports = 0;
    const { progress, base } = await serve({
      authorize({ action }) {
        if (action === "report") reports += 1;
        return true;
      },
    });
    const { id } = await progress.create({ kind: "threads" });
    const { exited } = startProgram("test/programs/many_threads.py", base, id);
    expect(await exited).toEqual({ code: 0, output: "" });
    const metadata = Object.fromEntries([...Array(8).keys()].map((n) => [`thread${n}`, 1_999]));
    expect(await progress.status(id)).toMatchObject({ status: "completed", result: 8, metadata });
    const delta = (await (await fetch(`${base}/${id}`)).json()) as { log: { text: string }[] };
    const texts = delta.log.map(({ text }) => text);
    expect(texts).toHaveLength(400);
    for (let thread = 0; thread < 8; thread += 1)
      expect(texts.filter((text) => text.startsWith(`${thread}.`))).toEqual(
        [...Array(50).keys()].map((index) => `${thread}.${index}`),
      );
    expect(reports).toBeLessThan(200);
  });

  test("given a server that takes few reports, waits as it asks, and loses nothing", async () => {
    const retryMs = 500;
    const asked: number[] = [];
    const { progress, base } = await serve({
      maxReportsPerSecond: 1,
      retryMs,
      authorize({ action }) {
        if (action === "report") asked.push(performance.now());
        return true;
      },
    });
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    expect(await start(base, id, "8000000").exited).toEqual({ code: 0, output: "open\n" });
    expect(await progress.status(id)).toMatchObject({
      status: "completed",
      result: { primes: PRIMES["8000000"] },
      steps: { count: { status: "completed", done: 8_000_000 } },
    });
    expect(await linesOf(base, id)).toHaveLength(40);
    const refused = progress.metrics().refusals["too-many-reports"] ?? 0;
    expect(refused).toBeGreaterThan(0);
    const waits = asked.map((at, index) => at - (asked[index - 1] ?? at));
    expect(waits.filter((wait) => wait >= retryMs - 20).length).toBeGreaterThanOrEqual(refused);
  });

  test.each([
    ["the body, in milliseconds", { retryAfterMs: 600 }, {}],
    ["the header alone, as a proxy does", undefined, { "retry-after": "1" }],
  ])("given an answer that asks to wait in %s, waits as long", async (_where, problem, headers) => {
    const asked: number[] = [];
    const server = createServer((_request, response) => {
      asked.push(performance.now());
      response.writeHead(429, headers);
      response.end(JSON.stringify(problem && { code: "too-many-reports", detail: "", ...problem }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    start(baseOf((server.address() as AddressInfo).port), "job", ENDLESS);
    await expect.poll(() => asked.length).toBeGreaterThan(1);
    const [first = 0, second = 0] = asked;
    expect(second - first).toBeGreaterThan(580);
  });

  test("given a server that does not allow reports, stops before the work begins", async () => {
    const { progress, base } = await serve({ authorize: ({ action }) => action === "watch" });
    const { id } = await progress.create({ kind: "primes", plan: PLAN });
    expect(await start(base, id, ENDLESS).exited).toEqual({
      code: 1,
      output: "stopped: forbidden\n",
    });
    expect(await progress.status(id)).toMatchObject({ status: "queued" });
  });
});
