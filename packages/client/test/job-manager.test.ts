import type { ServerResponse } from "node:http";
import {
  isProgressError,
  type JobStorage,
  VideoManager,
  type VideoManagerOptions,
} from "@emlinh/progress-client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type FakeTime, fakeTime } from "./support/fake-time.js";
import { type JobServer, type ReceivedRequest, startJobServer } from "./support/job-server.js";
import { until, untilStatus } from "./support/until.js";

let server: JobServer;
let time: FakeTime;
let storage: JobStorage & { readonly items: Map<string, string> };
const managers: VideoManager[] = [];
beforeEach(async () => {
  server = await startJobServer();
  time = fakeTime();
  storage = memoryStorage();
});
afterEach(async () => {
  for (const videos of managers.splice(0)) videos.close();
  await server.close();
});

function memoryStorage(): JobStorage & { readonly items: Map<string, string> } {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  };
}

function make(options: Partial<VideoManagerOptions> = {}): VideoManager {
  const videos = new VideoManager({
    baseUrl: server.baseUrl,
    createUrl: `${server.baseUrl}/create-video`,
    storage,
    random: () => 0,
    ...time,
    ...options,
  });
  managers.push(videos);
  return videos;
}

/** A create route as an app has it: one job per key. `answer` may take a request over. */
function serveCreate(
  answer: (request: ReceivedRequest, count: number) => boolean = () => false,
): Map<string, string> {
  const jobs = new Map<string, string>();
  let count = 0;
  server.intercept = (request) => {
    if (!request.url.pathname.endsWith("/create-video")) return false;
    count += 1;
    if (answer(request, count)) return true;
    const key = String(request.headers["idempotency-key"]);
    const jobId = jobs.get(key) ?? `job${jobs.size + 1}`;
    if (!jobs.has(key)) server.create(jobId, { percent: 1 });
    jobs.set(key, jobId);
    request.response
      .writeHead(202, { "content-type": "application/json" })
      .end(JSON.stringify({ jobId }));
    return true;
  };
  return jobs;
}

const posts = (): ReceivedRequest[] => server.requests.filter(({ method }) => method === "POST");

describe("create", () => {
  test("given an input, posts it as JSON with a key, and the watch is of the job that was made", async () => {
    serveCreate();
    const video = await make().create({ topic: "Mùa xuân", duration: 30 });
    expect(video.jobId).toBe("job1");
    const [post] = posts();
    expect(JSON.parse(post?.body ?? "")).toEqual({ topic: "Mùa xuân", duration: 30 });
    expect(post?.headers["content-type"]).toBe("application/json");
    expect(post?.headers["idempotency-key"]).toMatch(/^[0-9a-f]{32}$/);
    server.write("job1", { status: "completed", result: 7 });
    await expect(video.result).resolves.toBe(7);
  });

  test.each([
    ["before the answer", (response: ServerResponse) => response.destroy()],
    [
      "within the answer's body",
      (response: ServerResponse) => {
        response.writeHead(202, { "content-type": "application/json", "content-length": "20" });
        response.write('{"jobId"', () => response.destroy());
      },
    ],
  ])("given a cut %s, asks again with the same key, and there is one job", async (_where, cut) => {
    const jobs = serveCreate(({ headers, response }, count) => {
      if (count !== 1) return false;
      jobs.set(String(headers["idempotency-key"]), "job1");
      server.create("job1");
      cut(response);
      return true;
    });
    const creating = make().create({ topic: "a" });
    await time.untilPending(1000);
    time.advance(1000);
    expect((await creating).jobId).toBe("job1");
    const keys = posts().map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
  });

  test("given a double click, makes one job; given a later click, another", async () => {
    const jobs = serveCreate();
    const videos = make();
    const [first, second] = [videos.create({ topic: "a" }), videos.create({ topic: "a" })];
    expect(await first).toBe(await second);
    expect((await videos.create({ topic: "a" })).jobId).toBe("job2");
    expect(jobs.size).toBe(2);
  });

  test("given a key of the caller's, two calls with it make one job, whenever they come", async () => {
    serveCreate();
    const videos = make();
    const first = await videos.create({ topic: "a" }, { key: "k1" });
    const second = await videos.create({ topic: "a" }, { key: "k1" });
    expect(second).toBe(first);
    expect(posts().map(({ headers }) => headers["idempotency-key"])).toEqual(["k1", "k1"]);
  });

  test("given a refusal, rejects with the problem's code and words, and asks once", async () => {
    serveCreate(({ response }) => {
      const problem = { status: 400, code: "invalid-request", detail: "The topic is missing." };
      response
        .writeHead(400, { "content-type": "application/problem+json" })
        .end(JSON.stringify(problem));
      return true;
    });
    const error = await make()
      .create({})
      .catch((error: unknown) => error);
    expect(isProgressError(error, "invalid-request")).toBe(true);
    expect(error).toMatchObject({
      message: "The topic is missing.",
      status: 400,
      retryable: false,
    });
    expect(posts()).toHaveLength(1);
  });

  test("given a server that is down, gives up after the last attempt, and says that it may be tried again", async () => {
    serveCreate(({ response }) => Boolean(response.writeHead(503, { "retry-after": "3" }).end()));
    const creating = make({ maxAttempts: 3 }).create({});
    const failed = creating.catch((error: unknown) => error);
    for (const count of [1, 2]) {
      await server.request(count);
      await time.untilPending(3000);
      time.advance(3000);
    }
    expect(await failed).toMatchObject({ status: 503, retryable: true });
    expect(posts()).toHaveLength(3);
  });

  test("given 401, asks for fresh headers once", async () => {
    serveCreate(({ headers, response }) => {
      if (headers.authorization === "new") return false;
      response.writeHead(401).end();
      return true;
    });
    const videos = make({ headers: ({ refresh }) => ({ authorization: refresh ? "new" : "old" }) });
    expect((await videos.create({})).jobId).toBe("job1");
    expect(posts()).toHaveLength(2);
  });

  test.each(["", "{}", "<p>ok</p>", '{"jobId":7}'])(
    "given 200 and %o, rejects: there is no job id in it",
    async (body) => {
      serveCreate(({ response }) => Boolean(response.writeHead(200).end(body)));
      await expect(make().create({})).rejects.toMatchObject({
        code: "refused",
        message: expect.stringContaining("jobId"),
      });
    },
  );

  test("given a signal, its abort rejects with its reason and ends the tries", async () => {
    serveCreate(() => true);
    const abort = new AbortController();
    const creating = make().create({}, { signal: abort.signal });
    const { gone } = await server.request(1);
    abort.abort(new Error("the user left"));
    await expect(creating).rejects.toThrow("the user left");
    await gone;
    await expect(make().create({}, { signal: abort.signal })).rejects.toThrow("the user left");
    expect(posts()).toHaveLength(1);
    expect(time.pending()).toEqual([]);
  });

  test("given no address to create at, says which option is missing", async () => {
    await expect(make({ createUrl: undefined }).create({})).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining("createUrl"),
    });
  });
});

describe("the list", () => {
  test("given the same id twice, gives the same watch; the list changes only when a job comes or goes", () => {
    const videos = make();
    const heard = vi.fn();
    const off = videos.subscribe(heard);
    const before = videos.getSnapshot();
    const a = videos.watch("a");
    expect(videos.watch("a")).toBe(a);
    expect(heard).toHaveBeenCalledTimes(1);
    expect(before).toEqual([]);
    expect(videos.jobs()).toEqual([a]);
    expect(videos.getSnapshot()).toBe(videos.jobs());
    videos.forget("a");
    videos.forget("a");
    expect(heard).toHaveBeenCalledTimes(2);
    expect(videos.jobs()).toEqual([]);
    off();
    videos.watch("b");
    expect(heard).toHaveBeenCalledTimes(2);
  });

  test("given forget, stops the watch; a watch of that job is a new one", () => {
    const videos = make();
    const a = videos.watch("a");
    videos.forget("a");
    expect(a.getSnapshot().connection).toMatchObject({
      status: "closed",
      error: { code: "stopped" },
    });
    expect(videos.watch("a")).not.toBe(a);
  });

  test("given cancel, asks the server about that job", async () => {
    server.create("a");
    expect(await make().cancel("a")).toMatchObject({ jobId: "a", cancelRequested: true });
  });

  test("given close, stops all, keeps the storage, and refuses to go on; twice does no harm", async () => {
    serveCreate();
    const videos = make();
    const a = videos.watch("a");
    videos.close();
    videos.close();
    expect(a.getSnapshot().connection.status).toBe("closed");
    expect(() => videos.watch("b")).toThrow(expect.objectContaining({ code: "closed" }));
    await expect(videos.create({})).rejects.toMatchObject({ code: "closed" });
    await expect(videos.cancel("a")).rejects.toMatchObject({ code: "closed" });
    expect(make().resume()).toHaveLength(1);
  });

  test("given close while a create is out, it rejects", async () => {
    serveCreate(() => true);
    const videos = make();
    const creating = videos.create({});
    await server.request(1);
    videos.close();
    await expect(creating).rejects.toMatchObject({ code: "closed" });
  });
});

describe("a reload of the page", () => {
  test("given jobs of the page before, finds them again, in order, finished ones too", async () => {
    server.create("a", { status: "completed", result: 1 });
    server.create("b", { percent: 5 });
    const before = make();
    before.watch("a");
    before.watch("b");
    before.close();
    const [a, b] = make().resume();
    await expect(a?.result).resolves.toBe(1);
    expect(b && (await until(b, ({ job }) => job?.percent === 5)).job?.id).toBe("b");
  });

  test("given a job that was forgotten, or that the server doesn't have, doesn't find it again", async () => {
    server.create("a");
    const before = make();
    for (const jobId of ["a", "b", "missing"]) before.watch(jobId);
    before.forget("b");
    await before.watch("missing").result.catch(() => {});
    before.close();
    expect(
      make()
        .resume()
        .map(({ jobId }) => jobId),
    ).toEqual(["a"]);
  });

  test.each(["{", "null", '{"a":1}', '[1,null,""]'])(
    "given %o in the storage, finds nothing",
    (text) => {
      storage.setItem(`emlinh-progress:${server.baseUrl}`, text);
      expect(make().resume()).toEqual([]);
    },
  );

  test("given a storage that throws, does without it", () => {
    const broken = (): never => {
      throw new Error("The quota is used up.");
    };
    const videos = make({ storage: { getItem: broken, setItem: broken } });
    expect(videos.resume()).toEqual([]);
    expect(videos.watch("a").jobId).toBe("a");
  });

  test("given two managers with keys of their own, they don't mix; without a storage, nothing is kept", () => {
    make({ storageKey: "one" }).watch("a");
    expect(make({ storageKey: "two" }).resume()).toEqual([]);
    expect(storage.items.get("one")).toBe('["a"]');
    make({ storage: false }).watch("b");
    expect(make({ storage: false }).resume()).toEqual([]);
  });

  test("given more jobs than are stored, the newest are", () => {
    const videos = make();
    for (let count = 1; count <= 60; count += 1) videos.watch(`j${count}`);
    const ids = make()
      .resume()
      .map(({ jobId }) => jobId);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([50, "j11", "j60"]);
  });
});

describe("many jobs at once", () => {
  test("given two places, two stream and the third polls, until a place is free", async () => {
    for (const jobId of ["a", "b", "c"]) server.create(jobId, { percent: 1 });
    const videos = make({ maxStreams: 2 });
    const watches = ["a", "b", "c"].map((jobId) => videos.watch(jobId));
    for (const watch of watches) watch.subscribe(() => {});
    const [a, , c] = watches;
    if (!a || !c) throw new Error("unreachable");
    for (const watch of watches) await until(watch, ({ job }) => job?.percent === 1);
    expect(watches.map((watch) => watch.getSnapshot().connection.status)).toEqual([
      "live",
      "live",
      "polling",
    ]);
    const polls = server.requests.filter(({ accept }) => accept === "json");
    expect(polls.map(({ url }) => [url.pathname, url.searchParams.has("wait")])).toEqual([
      ["/api/c", false],
    ]);
    server.write("c", { percent: 2 });
    await time.untilPending(2000);
    time.advance(2000);
    await until(c, ({ job }) => job?.percent === 2);
    server.write("a", { status: "completed" });
    await untilStatus(a, "closed");
    await untilStatus(c, "live");
    server.write("c", { percent: 3 });
    await until(c, ({ job }) => job?.percent === 3);
  });

  test("given a watch that leaves the queue, or its place twice, no place is lost or made", async () => {
    for (const jobId of ["a", "b", "c"]) server.create(jobId, { percent: 1 });
    const videos = make({ maxStreams: 1 });
    const [a, b, c] = ["a", "b", "c"].map((jobId) => videos.watch(jobId));
    if (!a || !b || !c) throw new Error("unreachable");
    for (const watch of [a, b, c]) watch.subscribe(() => {});
    await untilStatus(a, "live");
    b.stop();
    a.stop();
    a.stop();
    await untilStatus(c, "live");
    const d = videos.watch("d");
    d.subscribe(() => {});
    expect(d.getSnapshot().connection.transport).toBe("poll");
  });

  test.each([0, -1, Number.NaN])("given maxStreams of %d, is refused", (maxStreams) => {
    expect(() => make({ maxStreams })).toThrow(/maxStreams/);
  });
});
