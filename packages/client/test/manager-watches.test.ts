import type { JobManager, JobWatch } from "@emlinh/progress-client";
import { describe, expect, test, vi } from "vitest";
import type { ReceivedRequest } from "./support/job-server.js";
import { managerFixture } from "./support/manager-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = managerFixture();
const { make, serveCreate, posts } = fixture;

/** Sends a refusal of the server. */
function refuse({ response }: ReceivedRequest, status: number, code: string): true {
  response.writeHead(status, { "content-type": "application/problem+json" });
  response.end(JSON.stringify({ status, code, detail: code }));
  return true;
}

/** Lets the server answer the requests for progress in another way. */
function answerReads(answer: (request: ReceivedRequest) => boolean): void {
  const earlier = fixture.server.intercept;
  fixture.server.intercept = (request) =>
    request.method === "GET" ? answer(request) : earlier?.(request);
}

async function closeByStop(watch: JobWatch): Promise<void> {
  watch.subscribe(() => {})();
  watch.stop();
  await untilStatus(watch, "closed");
}

/** Closes a watch by a refusal. Later requests are answered. */
async function closeByRefusal(watch: JobWatch, status: number, code: string): Promise<void> {
  let isRefusing = true;
  answerReads((request) => isRefusing && refuse(request, status, code));
  const { connection } = await untilStatus(watch, "closed");
  expect(connection.error?.code).toBe(code);
  isRefusing = false;
}

const CLOSINGS: Readonly<Record<string, (watch: JobWatch) => Promise<void>>> = {
  "stop(), as React's strict mode does": closeByStop,
  "a 401": (watch) => closeByRefusal(watch, 401, "not-authenticated"),
  "a 403": (watch) => closeByRefusal(watch, 403, "forbidden"),
  "a 404": (watch) => closeByRefusal(watch, 404, "job-not-found"),
};

const OPENINGS: Readonly<Record<string, (videos: JobManager) => Promise<unknown>>> = {
  "watch(id)": async (videos) => videos.watch("job1"),
  "create() with a known key": (videos) => videos.create({}, { key: "k" }),
  "resume()": async (videos) => videos.resume()[1],
};

const CASES = Object.entries(CLOSINGS).flatMap(([closing, close]) =>
  Object.entries(OPENINGS).map(([opening, open]) => ({ closing, close, opening, open })),
);

describe("a watch that closed before its job's end", () => {
  test.each(CASES)("given $closing, $opening replaces it at its place", async ({ close, open }) => {
    serveCreate().set("k", "job1");
    for (const jobId of ["a", "job1", "b"]) fixture.server.create(jobId, { percent: 1 });
    const videos = make();
    const [a, dead, b] = ["a", "job1", "b"].map((jobId) => videos.watch(jobId));
    if (!dead) throw new Error("unreachable");
    await close(dead);
    const listener = vi.fn();
    videos.subscribe(listener);
    const watch = (await open(videos)) as JobWatch;
    expect(watch).not.toBe(dead);
    expect(videos.jobs()).toEqual([a, watch, b]);
    expect(listener.mock.calls).toEqual([[[a, dead, b]], [[a, watch, b]]]);
    await until(watch, ({ job }) => job?.percent === 1);
    fixture.server.write("job1", { status: "completed", result: 7 });
    await expect(watch.result).resolves.toBe(7);
  });

  test("given a watch that works, or that closed with its job's end, it stays", async () => {
    serveCreate().set("k", "job1");
    fixture.server.create("job1", { status: "completed", result: 7 });
    fixture.server.create("b", { percent: 1 });
    const videos = make();
    const [ended, working] = [videos.watch("job1"), videos.watch("b")];
    await ended.result;
    await until(working, ({ job }) => job?.percent === 1);
    const before = videos.jobs();
    expect(videos.watch("job1")).toBe(ended);
    expect(await videos.create({}, { key: "k" })).toBe(ended);
    expect(videos.watch("b")).toBe(working);
    expect(videos.resume()).toBe(before);
  });

  test("given a 404, the job is stored no more, until the app watches it again", async () => {
    const videos = make();
    await closeByRefusal(videos.watch("a"), 404, "job-not-found");
    expect(make().resume()).toEqual([]);
    videos.watch("a");
    expect(make().resume()).toHaveLength(1);
  });
});

describe("a job that is stored a moment after the answer of the app's route", () => {
  /** Creates a job that the server does not have yet. The watch waits for its second try. */
  async function createLate(videos: JobManager): Promise<JobWatch> {
    serveCreate(({ response }) => Boolean(response.writeHead(202).end('{"jobId":"late"}')));
    const watch = await videos.create({});
    const { connection } = await untilStatus(watch, "waiting");
    expect(connection.error?.code).toBe("job-not-found");
    return watch;
  }

  test("given a 404 before, the watch tries again, and the job stays stored", async () => {
    const watch = await createLate(make());
    const connected = until(watch, ({ job }) => job?.percent === 1);
    fixture.server.create("late", { percent: 1 });
    fixture.time.advance(30_000);
    expect((await connected).job?.id).toBe("late");
    expect(make().resume()).toHaveLength(1);
  });

  test("given a 404 ten seconds later, the watch closes, and the job is stored no more", async () => {
    const watch = await createLate(make());
    const closed = untilStatus(watch, "closed");
    fixture.time.advance(30_000);
    expect((await closed).connection.error?.code).toBe("job-not-found");
    expect(make().resume()).toEqual([]);
  });
});

describe("cancel", () => {
  test("given a job that was forgotten, cancels it, and does not put it back", async () => {
    fixture.server.create("a");
    const videos = make();
    videos.watch("a");
    videos.forget("a");
    const listener = vi.fn();
    videos.subscribe(listener);
    expect(await videos.cancel("a")).toMatchObject({ jobId: "a", cancelRequested: true });
    expect(videos.jobs()).toEqual([]);
    expect(listener).toHaveBeenCalledTimes(1);
    expect(make().resume()).toEqual([]);
  });

  test("given a watch that was stopped, cancels its job", async () => {
    fixture.server.create("a");
    const videos = make();
    videos.watch("a").stop();
    expect(await videos.cancel("a")).toMatchObject({ jobId: "a" });
  });
});

describe("ids that are not those of jobs (P2)", () => {
  const printed = (bad: unknown) => (typeof bad === "object" && bad ? "an object" : `"${bad}"`);
  const BAD = ["", "..", ".", "a/b", "a b", "đ", "a".repeat(129), undefined, null, 7, {}];

  test.each(BAD)(
    "given %o, watch, cancel and forget refuse it, and the list stays",
    async (bad) => {
      const videos = make();
      const jobId = bad as string;
      const wanted = { code: "invalid-option", message: expect.stringContaining(printed(bad)) };
      expect(() => videos.watch(jobId)).toThrow(expect.objectContaining(wanted));
      expect(() => videos.forget(jobId)).toThrow(expect.objectContaining(wanted));
      await expect(videos.cancel(jobId)).rejects.toMatchObject(wanted);
      expect(videos.jobs()).toEqual([]);
      expect(fixture.server.requests).toEqual([]);
      expect(make().resume()).toEqual([]);
    },
  );

  test.each(["..", "a/b", "", 7, ["a"], null])(
    "given the id %o in the answer of the app's route, create rejects, and the next one works",
    async (jobId) => {
      serveCreate(({ response }, count) => {
        if (count > 1) return false;
        return Boolean(response.writeHead(202).end(JSON.stringify({ jobId })));
      });
      const videos = make();
      await expect(videos.create({})).rejects.toMatchObject({
        code: "refused",
        message: expect.stringContaining(JSON.stringify({ jobId })),
      });
      expect(videos.jobs()).toEqual([]);
      expect((await videos.create({})).jobId).toBe("job1");
      expect(posts()).toHaveLength(2);
    },
  );
});

describe("close", () => {
  test("given a signal, its abort closes the manager", async () => {
    serveCreate(() => true);
    const abort = new AbortController();
    const videos = make({ signal: abort.signal });
    const watch = videos.watch("a");
    const creating = videos.create({});
    await fixture.server.request(1);
    abort.abort();
    await expect(creating).rejects.toMatchObject({ code: "closed" });
    expect(watch.getSnapshot().connection.status).toBe("closed");
    expect(() => videos.watch("a")).toThrow(expect.objectContaining({ code: "closed" }));
    const late = make({ signal: abort.signal });
    expect(() => late.resume()).toThrow(expect.objectContaining({ code: "closed" }));
  });

  test("given close during a wait between two requests, the create rejects at once", async () => {
    serveCreate(({ response }) => Boolean(response.writeHead(503).end()));
    const videos = make();
    const creating = videos.create({});
    await fixture.time.untilPending(1000);
    videos.close();
    await expect(creating).rejects.toMatchObject({ code: "closed" });
    expect(fixture.time.pending()).toEqual([]);
    expect(posts()).toHaveLength(1);
  });
});
