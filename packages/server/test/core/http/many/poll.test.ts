import { describe, expect, test } from "vitest";
import type { Answer, RequestFacts } from "../../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime, waitUntil } from "../../context.js";
import { bodyOf, requestFacts } from "../../requests.js";

useFakeTime();

const newContext = (options = {}): TestContext =>
  makeContext({ authorize: () => true, ...options });

const poll = ({ progress }: TestContext, query: string, more: Partial<RequestFacts> = {}) =>
  progress.handle(requestFacts(`/?${query}`, {}, more));

interface Reply {
  readonly listed: readonly { readonly tag: string; readonly jobs: readonly string[] }[];
  readonly jobs: readonly { readonly job: string; readonly cursor: string }[];
}

const replyOf = (answer: Answer) => bodyOf(answer) as Reply;

/** The query with which a reader goes on after an answer. */
function queryAfter(answer: Answer, wait = ""): string {
  const { listed, jobs } = replyOf(answer);
  const seen = listed.map(({ tag }) => `&seen=${tag}`).join("");
  return `subject=user:1${seen}${jobs.map(({ job, cursor }) => `&after=${job}@${cursor}`).join("")}${wait}`;
}

/** Begins a long poll, and resolves when it is held. */
async function hold(context: TestContext, query: string): Promise<{ answer: Promise<Answer> }> {
  const answer = poll(context, query);
  await waitUntil(() => context.progress.metrics().polls === 1);
  return { answer };
}

describe("a poll of many jobs", () => {
  test("given jobs and a list, answers with the lists, the deltas, the refusals and the time", async () => {
    const context = newContext();
    await context.createJob("a", ["user:1"]);
    await context.createJob("b");
    const answer = await poll(context, "job=b&job=unknown&subject=user:1");
    expect(answer).toMatchObject({
      status: 200,
      headers: { "content-type": "application/json; charset=utf-8" },
    });
    expect(answer.headers).not.toHaveProperty("etag");
    expect(bodyOf(answer)).toEqual({
      listed: [{ subject: "user:1", jobs: ["a"], next: null, tag: expect.any(String) }],
      jobs: [
        expect.objectContaining({ job: "b", reset: true }),
        expect.objectContaining({ job: "a", reset: true }),
      ],
      refused: [{ job: "unknown", status: 404, code: "job-not-found" }],
      now: 1_700_000_000_000,
    });
    expect(context.progress.metrics()).toMatchObject({
      slots: 0,
      watchedJobs: 0,
      refusals: { "job-not-found": 1 },
    });
  });

  test("given what the reader has, answers with what is new", async () => {
    const context = newContext();
    for (const id of ["a", "b"]) await context.createJob(id, ["user:1"]);
    const first = await poll(context, "subject=user:1");
    expect(bodyOf(await poll(context, queryAfter(first)))).toMatchObject({ listed: [], jobs: [] });
    await context.setFields("b", { message: "m" });
    expect(bodyOf(await poll(context, queryAfter(first)))).toMatchObject({
      listed: [],
      jobs: [{ job: "b", set: { message: "m" } }],
    });
  });

  test("given a cursor of another epoch, answers with the snapshot and counts a reset", async () => {
    const context = newContext();
    await context.createJob("a");
    expect(bodyOf(await poll(context, "job=a@other.1"))).toMatchObject({ jobs: [{ reset: true }] });
    expect(context.progress.metrics().resets).toBe(1);
  });

  test("given pages, each job is on one of them", async () => {
    const context = newContext();
    const ids = ["a", "b", "c", "d", "e"];
    for (const id of ids) {
      await context.createJob(id, ["user:1"]);
      await advance(1);
    }
    const pages: (readonly string[])[] = [];
    let before = "";
    for (let next: unknown = ""; next !== null; before = `&before=${next}`) {
      const answer = await poll(context, `subject=user:1&limit=2${before}`);
      const [list] = (bodyOf(answer) as { listed: [{ jobs: string[]; next: unknown }] }).listed;
      pages.push(list.jobs);
      next = list.next;
    }
    expect(pages).toEqual([["e", "d"], ["c", "b"], ["a"]]);
  });

  test("given HEAD, has the status and headers of GET", async () => {
    const context = newContext();
    await context.createJob("a");
    for (const accept of ["application/json", "text/event-stream"]) {
      const ask = (method: string) =>
        context.progress.handle(requestFacts("/?job=a&wait=20", { accept }, { method }));
      const [head, get] = [await ask("HEAD"), await ask("GET")];
      expect(head).toMatchObject({ kind: "body", body: null, status: get.status });
      expect(head.headers).toEqual(get.headers);
    }
  });
});

describe("a long poll of many jobs", () => {
  test("given nothing new, is held until a job changes", async () => {
    const context = newContext();
    for (const id of ["a", "b"]) await context.createJob(id, ["user:1"]);
    const query = queryAfter(await poll(context, "subject=user:1"), "&wait=20");
    const { answer } = await hold(context, query);
    expect(context.progress.metrics()).toMatchObject({ slots: 1, watchedJobs: 2 });
    await context.setFields("b", { message: "m" });
    expect(bodyOf(await answer)).toMatchObject({
      listed: [],
      jobs: [{ job: "b", set: { message: "m" } }],
      refused: [],
    });
    expect(context.progress.metrics()).toMatchObject({ polls: 0, slots: 0, watchedJobs: 0 });
  });

  test("given a job that joins a list, answers with the list and its snapshot", async () => {
    const context = newContext();
    const query = queryAfter(await poll(context, "subject=user:1"), "&wait=20");
    const { answer } = await hold(context, query);
    await context.createJob("a", ["user:1"]);
    const { listed, jobs } = replyOf(await answer);
    expect(listed).toMatchObject([{ jobs: ["a"] }]);
    // The list may come before its job was read. Then the job comes with the next answer.
    const next = jobs.length > 0 ? jobs : replyOf(await poll(context, "subject=user:1")).jobs;
    expect(next).toMatchObject([{ job: "a", reset: true }]);
  });

  test("given the end of the time, answers with nothing", async () => {
    const context = newContext();
    const query = queryAfter(await poll(context, "subject=user:1"), "&wait=5");
    const { answer } = await hold(context, query);
    await advance(6_000);
    expect(bodyOf(await answer)).toMatchObject({ listed: [], jobs: [], refused: [] });
  });

  test("given a refusal, answers at once", async () => {
    const context = newContext();
    const answer = await poll(context, "job=unknown&wait=20");
    expect(bodyOf(answer)).toMatchObject({ refused: [{ job: "unknown", status: 404 }] });
  });

  test("given a named job that is removed, answers with its refusal", async () => {
    const context = newContext();
    await context.createJob("a");
    await context.setFields("a", { status: "completed" });
    const cursor = (await context.progress.status("a"))?.cursor;
    const { answer } = await hold(context, `job=a@${cursor}&wait=20`);
    await context.progress.remove("a");
    expect(bodyOf(await answer)).toMatchObject({
      jobs: [],
      refused: [{ job: "a", status: 410, code: "job-expired" }],
    });
  });

  test("given a drain, answers", async () => {
    const context = newContext();
    const query = queryAfter(await poll(context, "subject=user:1"), "&wait=20");
    const { answer } = await hold(context, query);
    const drained = context.progress.drain({ spreadMs: 0 });
    await advance(200);
    expect((await answer).status).toBe(200);
    await drained;
    expect((await poll(context, "subject=user:1&wait=20")).status).toBe(503);
  });

  test("given a client that leaves, gives everything back", async () => {
    const context = newContext();
    const abort = new AbortController();
    const query = queryAfter(await poll(context, "subject=user:1"), "&wait=20");
    const answer = poll(context, query, { signal: abort.signal });
    await waitUntil(() => context.progress.metrics().polls === 1);
    abort.abort();
    await answer;
    expect(context.progress.metrics()).toMatchObject({ polls: 0, slots: 0, watchedJobs: 0 });
  });
});
