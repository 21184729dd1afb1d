import {
  type JobsSnapshot,
  type JobsWatch,
  type WatchJobsOptions,
  watchJobs,
} from "@emlinh/progress-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connectionFixture } from "./support/connection-fixture.js";

const fixture = connectionFixture();
const watches: JobsWatch[] = [];
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
});

/** Makes a watch of the list of `user:1` that is stopped at the end of the test. */
function make(options: Partial<WatchJobsOptions> = {}): JobsWatch {
  const { server, time } = fixture;
  const defaults = { baseUrl: server.baseUrl, ...time, random: () => 0, subject: "user:1" };
  const watch = watchJobs({ ...defaults, ...options });
  watches.push(watch);
  return watch;
}

/** Makes a watch with one listener. */
function open(options?: Partial<WatchJobsOptions>): JobsWatch {
  const watch = make(options);
  watch.subscribe(() => {});
  return watch;
}

/** Creates jobs, and makes them the list of `user:1`, the newest first. */
function setList(...ids: readonly string[]): void {
  for (const id of ids) if (!fixture.server.has(id)) fixture.server.create(id, { percent: 1 });
  fixture.server.many.setList("user:1", ids);
}

function until(
  watch: JobsWatch,
  isMet: (snapshot: JobsSnapshot) => boolean,
): Promise<JobsSnapshot> {
  return new Promise((resolve) => {
    let leave: (() => void) | undefined;
    let isFound = false;
    leave = watch.subscribe((snapshot) => {
      if (isFound || !isMet(snapshot)) return;
      isFound = true;
      leave?.();
      resolve(snapshot);
    });
    if (isFound) leave();
  });
}

const idsOf = ({ jobs }: JobsSnapshot): string => jobs.map(({ id }) => id).join("");
const untilIds = (watch: JobsWatch, ids: string) =>
  until(watch, (snapshot) => snapshot.isLoaded && idsOf(snapshot) === ids);
const lastUrl = () => fixture.server.requests[fixture.server.requests.length - 1]?.url;

describe("a live list", () => {
  test("given jobs that appear, change, end and leave, shows each change", async () => {
    setList("b", "a");
    const watch = open();
    const { summary, connection, hasMore } = await untilIds(watch, "ba");
    expect(summary).toMatchObject({ total: 2, percent: 1 });
    expect(connection.status).toBe("live");
    expect(hasMore).toBe(false);
    setList("c", "b", "a");
    await untilIds(watch, "cba");
    fixture.server.write("a", { percent: 40 });
    await until(watch, ({ jobs }) => jobs[2]?.percent === 40);
    fixture.server.write("c", { status: "completed", result: 7 });
    await until(watch, ({ summary }) => summary.finished === 1);
    fixture.server.many.remove("b");
    expect((await untilIds(watch, "ca")).summary.total).toBe(2);
    expect(fixture.server.requests).toHaveLength(1);
  });

  test("given no change, the snapshot stays the same object, and its unchanged parts as well", async () => {
    setList("b", "a");
    const watch = open();
    const before = await untilIds(watch, "ba");
    expect(watch.getSnapshot()).toBe(before);
    fixture.server.write("a", { percent: 2 });
    const after = await until(watch, ({ jobs }) => jobs[1]?.percent === 2);
    expect(after.jobs[0]).toBe(before.jobs[0]);
    expect(before.jobs[1]?.percent).toBe(1);
  });

  test("given a list of 50 jobs, tells it at once", async () => {
    const ids = Array.from({ length: 50 }, (_, index) => `j${index}`);
    setList(...ids);
    const watch = make();
    const lengths: number[] = [];
    watch.subscribe(({ jobs }) => lengths.push(jobs.length));
    await until(watch, ({ isLoaded }) => isLoaded);
    expect(lengths.filter((length) => length > 0).every((length) => length === 50)).toBe(true);
  });

  test("given an empty list, is loaded", async () => {
    const { jobs, summary } = await until(open(), ({ isLoaded }) => isLoaded);
    expect(jobs).toEqual([]);
    expect(summary).toMatchObject({ total: 0, percent: null });
  });

  test("given a cut, asks with the tag of the list and the cursors of its jobs, and changes nothing", async () => {
    setList("b", "a");
    const watch = open();
    const before = await untilIds(watch, "ba");
    fixture.server.many.cut();
    const { connection } = await until(watch, (next) => next.connection.status === "waiting");
    fixture.time.advance((connection.retryAt ?? 0) - fixture.time.clock());
    const after = await until(watch, (next) => next.connection.status === "live");
    expect(after.jobs).toBe(before.jobs);
    const { url } = await fixture.server.request(2);
    expect(url.searchParams.getAll("after")).toEqual(["b@epoch1.1", "a@epoch2.1"]);
    expect(url.searchParams.getAll("seen")).toHaveLength(1);
    setList("c", "b", "a");
    await untilIds(watch, "cba");
  });

  test("given transport poll, shows the changes of the list and of its jobs", async () => {
    setList("a");
    const watch = open({ transport: "poll" });
    await untilIds(watch, "a");
    await fixture.time.untilPending(500);
    fixture.time.advance(500);
    await fixture.server.request(2);
    setList("b", "a");
    await untilIds(watch, "ba");
    expect(lastUrl()?.searchParams.get("wait")).toBe("20");
  });

  test("given no listener, disconnects; with the next one it continues", async () => {
    setList("a");
    const watch = make();
    const leave = watch.subscribe(() => {});
    const { gone } = await fixture.server.request(1);
    await expect.poll(() => idsOf(watch.getSnapshot())).toBe("a");
    leave();
    await gone;
    expect(watch.getSnapshot().connection.status).toBe("idle");
    setList("b", "a");
    await untilIds(watch, "ba");
    expect(fixture.server.requests).toHaveLength(2);
  });
});

describe("older jobs", () => {
  beforeEach(() => setList("f", "e", "d", "c", "b", "a"));

  test("given loadMore(), adds the next page, until there is none; a second call waits for the first", async () => {
    const watch = open({ limit: 2 });
    expect((await untilIds(watch, "fe")).hasMore).toBe(true);
    const loading = watch.loadMore();
    expect(watch.loadMore()).toBe(loading);
    await loading;
    await untilIds(watch, "fedc");
    await watch.loadMore();
    await until(watch, (snapshot) => idsOf(snapshot) === "fedcba" && !snapshot.hasMore);
    const count = fixture.server.requests.length;
    await watch.loadMore();
    expect(fixture.server.requests).toHaveLength(count);
  });

  test("given older jobs that run, watches them over the same stream, and ended ones not", async () => {
    fixture.server.write("d", { status: "completed" });
    const watch = open({ limit: 2 });
    await untilIds(watch, "fe");
    await watch.loadMore();
    await until(watch, ({ jobs }) => jobs.length === 4);
    const { url, gone } = await fixture.server.request(1);
    expect(url.searchParams.getAll("job")).toEqual([]);
    await gone;
    expect(lastUrl()?.searchParams.getAll("job")).toEqual(["c@epoch4.1"]);
    fixture.server.write("c", { percent: 30 });
    await until(watch, ({ jobs }) => jobs[3]?.percent === 30);
    fixture.server.write("c", { status: "completed" });
    await until(watch, ({ summary }) => summary.finished === 2);
    expect(fixture.server.many.responses()).toHaveLength(1);
  });

  test("given new jobs, those that they push out stay, and are watched; without older ones they leave", async () => {
    const [short, long] = [open({ limit: 2 }), open({ limit: 2 })];
    await Promise.all([short, long].map((watch) => untilIds(watch, "fe")));
    await long.loadMore();
    setList("g", "f", "e", "d", "c", "b", "a");
    await untilIds(short, "gf");
    await untilIds(long, "gfedc");
    fixture.server.write("e", { percent: 50 });
    await until(long, ({ jobs }) => jobs[2]?.percent === 50);
  });

  test("given an older job that is removed while it runs, it leaves; given an ended one, after refresh()", async () => {
    fixture.server.write("d", { status: "completed" });
    const watch = open({ limit: 2 });
    await untilIds(watch, "fe");
    await watch.loadMore();
    await untilIds(watch, "fedc");
    fixture.server.many.remove("c");
    await untilIds(watch, "fed");
    fixture.server.many.remove("d");
    watch.refresh();
    await untilIds(watch, "fe");
  });

  test("given pages that lead back to themselves, refresh() asks for each once, and the jobs stay", async () => {
    const watch = open({ limit: 2 });
    await untilIds(watch, "fe");
    await watch.loadMore();
    await untilIds(watch, "fedc");
    const positions: (string | null)[] = [];
    fixture.server.intercept = ({ url, response }) => {
      if (!url.searchParams.has("before")) return false;
      positions.push(url.searchParams.get("before"));
      const listed = { subject: "user:1", jobs: ["z"], next: "again", tag: "t" };
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ listed: [listed], jobs: [], refused: [] }));
      return true;
    };
    watch.refresh();
    await expect.poll(() => positions).toHaveLength(2);
    // A third request would come before the answers to these.
    for (let count = 0; count < 5; count += 1) await watch.cancel("f");
    expect(positions).toEqual([expect.any(String), "again"]);
    expect(idsOf(watch.getSnapshot())).toBe("fedc");
  });

  test("given a page that is refused, rejects, and the list stays", async () => {
    const watch = open({ limit: 2 });
    await untilIds(watch, "fe");
    fixture.server.many.refuse({ subject: "other", status: 403, code: "forbidden" });
    fixture.server.intercept = ({ url, response }) => {
      if (!url.searchParams.has("before")) return false;
      response.writeHead(403, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ status: 403, code: "forbidden" }));
      return true;
    };
    await expect(watch.loadMore()).rejects.toMatchObject({ code: "forbidden" });
    expect(idsOf(watch.getSnapshot())).toBe("fe");
    fixture.server.intercept = undefined;
    await watch.loadMore();
    await untilIds(watch, "fedc");
  });
});

describe("actions", () => {
  test("given cancel and remove, asks the server, and a removed job leaves", async () => {
    setList("b", "a");
    const watch = open();
    await untilIds(watch, "ba");
    expect(await watch.cancel("a")).toMatchObject({ jobId: "a", cancelRequested: true });
    await until(watch, ({ jobs }) => jobs[1]?.status === "cancelled");
    await watch.remove("a");
    await untilIds(watch, "b");
    const { method, url } = fixture.server.requests[2] ?? {};
    expect([method, url?.pathname]).toEqual(["DELETE", "/api/a"]);
    await expect(watch.remove("unknown")).resolves.toBeUndefined();
    await expect(watch.remove("../x")).rejects.toMatchObject({ code: "invalid-option" });
  });
});

describe("the end of a watch", () => {
  test("given a refused subject, closes with that error; refresh() starts again", async () => {
    fixture.server.many.refuse({ subject: "user:1", status: 403, code: "forbidden" });
    const watch = open();
    const { connection } = await until(watch, (next) => next.connection.status === "closed");
    expect(connection.error).toMatchObject({ code: "forbidden", status: 403 });
    fixture.server.many.allow("user:1");
    setList("a");
    watch.refresh();
    await untilIds(watch, "a");
  });

  test("given stop() or the signal, closes for good, and the stream too", async () => {
    setList("a");
    const abort = new AbortController();
    const watch = open({ signal: abort.signal });
    await untilIds(watch, "a");
    const { gone } = await fixture.server.request(1);
    abort.abort();
    await gone;
    expect(watch.getSnapshot().connection).toMatchObject({
      status: "closed",
      error: { code: "stopped" },
    });
    expect(() => watch.refresh()).toThrow(expect.objectContaining({ code: "stopped" }));
    expect(idsOf(watch.getSnapshot())).toBe("a");
  });
});

describe("options", () => {
  test("given initial jobs, shows them at first, and in the render on a server", async () => {
    setList("b", "a");
    const full = await untilIds(open(), "ba");
    fixture.server.write("b", { percent: 60 });
    const watch = make({ initial: { jobs: full.jobs, next: "2" } });
    expect(watch.getServerSnapshot()).toMatchObject({ isLoaded: true, hasMore: true });
    expect(idsOf(watch.getServerSnapshot())).toBe("ba");
    await until(watch, ({ jobs, hasMore }) => jobs[0]?.percent === 60 && !hasMore);
    expect(watch.getServerSnapshot().jobs[0]?.percent).toBe(1);
  });

  test.each([
    [{ subject: "" }, "subject"],
    [{ subject: "a b" }, "subject"],
    [{ limit: 0 }, "limit"],
    [{ limit: 101 }, "limit"],
    [{ limit: 1.5 }, "limit"],
    [{ initial: [] }, "initial"],
    [{ initial: { jobs: [null] } }, "initial"],
    [{ initial: { jobs: ["a"] } }, "initial"],
    [{ tabs: true }, "tabs"],
    [{ maxStreams: 2 }, "maxStreams"],
  ])("given %o, throws and names it", (options, name) => {
    expect(() => make(options as never)).toThrow(
      expect.objectContaining({ code: "invalid-option", message: expect.stringContaining(name) }),
    );
  });
});
