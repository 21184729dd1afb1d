import type { JobManager, JobWatch } from "@emlinh/progress-client";
import { describe, expect, test } from "vitest";
import type { ReceivedRequest } from "./support/job-server.js";
import { managerFixture } from "./support/manager-fixture.js";
import { until, untilStatus } from "./support/until.js";

const fixture = managerFixture();
const { make } = fixture;

const NAMES = ["a", "b", "c"] as const;

/** Creates jobs, and watches them with one listener each. */
function watchAll(videos: JobManager, names: readonly string[] = NAMES): JobWatch[] {
  return names.map((jobId) => {
    fixture.server.create(jobId, { percent: 1 });
    const watch = videos.watch(jobId);
    watch.subscribe(() => {});
    return watch;
  });
}

const percentIs = (watch: JobWatch, percent: number) =>
  until(watch, ({ job }) => job?.percent === percent);
const jobsOf = ({ url }: ReceivedRequest | { url: URL }): string[] =>
  url.searchParams.getAll("job").map((text) => text.replace(/@.*/, ""));
const statusOf = (watch: JobWatch) => watch.getSnapshot().connection.status;

describe("one connection", () => {
  test("given 50 jobs that are watched in one tick, opens one stream, and all are live", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `j${index}`);
    const watches = watchAll(make(), names);
    expect(watches.map(statusOf)).toEqual(names.map(() => "idle"));
    await Promise.all(watches.map((watch) => percentIs(watch, 1)));
    await Promise.all(watches.map((watch) => untilStatus(watch, "live")));
    expect(fixture.server.requests).toHaveLength(1);
    expect(jobsOf(fixture.server.requests[0] as ReceivedRequest)).toEqual(names);
    fixture.server.write("j7", { percent: 7 });
    await percentIs(watches[7] as JobWatch, 7);
  });

  test("given a further job, replaces the stream when the new one is ready, and no state flickers", async () => {
    const videos = make();
    const [a] = watchAll(videos, ["a"]) as [JobWatch];
    await untilStatus(a, "live");
    const statuses: string[] = [];
    a.on("connection", ({ status }) => statuses.push(status));
    const first = await fixture.server.request(1);
    const [b] = watchAll(videos, ["b"]) as [JobWatch];
    expect(statusOf(b)).toBe("connecting");
    await percentIs(b, 1);
    await untilStatus(b, "live");
    await first.gone;
    const second = await fixture.server.request(2);
    expect(second.url.searchParams.getAll("job")).toEqual(["a@epoch1.1", "b"]);
    fixture.server.write("a", { percent: 2 });
    await percentIs(a, 2);
    expect(statuses).toEqual(["live"]);
    expect(fixture.server.requests).toHaveLength(2);
  });

  test("given lines that are written while the stream is replaced, each is delivered once", async () => {
    const videos = make();
    const [a] = watchAll(videos, ["a"]) as [JobWatch];
    const lines: string[] = [];
    a.on("log", ({ text }) => lines.push(text));
    await untilStatus(a, "live");
    const line = (text: string) => [{ at: 1, level: "info" as const, text }];
    for (const name of ["b", "c", "d", "e"]) {
      fixture.server.write("a", {}, line(`before ${name}`));
      const [next] = watchAll(videos, [name]) as [JobWatch];
      fixture.server.write("a", {}, line(`with ${name}`));
      await untilStatus(next, "live");
      fixture.server.write("a", {}, line(`after ${name}`));
    }
    await until(a, ({ log }) => log.length === 12);
    expect(lines).toEqual(
      ["b", "c", "d", "e"].flatMap((name) => [`before ${name}`, `with ${name}`, `after ${name}`]),
    );
  });

  test("given a job that ends or is left, opens no new stream; a job that comes back continues", async () => {
    const videos = make();
    const [a, b, c] = watchAll(videos) as [JobWatch, JobWatch, JobWatch];
    await Promise.all([a, b, c].map((watch) => untilStatus(watch, "live")));
    const ends: unknown[] = [];
    a.on("end", ({ status }) => ends.push(status));
    fixture.server.write("a", { status: "completed", result: 7 });
    await expect(a.result).resolves.toBe(7);
    expect(a.getSnapshot().connection).toMatchObject({ status: "closed" });
    expect(ends).toEqual(["completed"]);
    videos.forget("b");
    fixture.server.write("b", { percent: 2 });
    fixture.server.write("c", { percent: 2 });
    await percentIs(c, 2);
    expect(fixture.server.requests).toHaveLength(1);
    const again = videos.watch("b");
    await percentIs(again, 2);
    const { url } = await fixture.server.request(2);
    expect(url.searchParams.getAll("job")).toEqual(["c@epoch3.2", "b"]);
  });

  test("given no listener, a watch is no target; without any, the stream closes", async () => {
    const videos = make();
    fixture.server.create("a", { percent: 1 });
    fixture.server.create("b", { percent: 1 });
    const [a, b] = [videos.watch("a"), videos.watch("b")];
    const leave = a.subscribe(() => {});
    const first = await fixture.server.request(1);
    expect(jobsOf(first)).toEqual(["a"]);
    leave();
    await first.gone;
    expect(statusOf(a)).toBe("idle");
    await percentIs(b, 1);
    expect(jobsOf(await fixture.server.request(2))).toEqual(["b"]);
  });

  test("given more than 100 jobs, opens a further stream, and a job that ends moves no other", async () => {
    const names = Array.from({ length: 120 }, (_, index) => `j${index}`);
    const watches = watchAll(make(), names);
    await Promise.all(watches.map((watch) => untilStatus(watch, "live")));
    expect(fixture.server.requests.map((request) => jobsOf(request).length)).toEqual([100, 20]);
    fixture.server.write("j0", { status: "completed" });
    await untilStatus(watches[0] as JobWatch, "closed");
    fixture.server.write("j119", { percent: 2 });
    await percentIs(watches[119] as JobWatch, 2);
    expect(fixture.server.requests).toHaveLength(2);
  });
});

describe("a server that accepts fewer jobs in a request", () => {
  /** Refuses requests with more jobs. */
  function acceptAtMost(max: number): void {
    fixture.server.intercept = ({ url, response }) => {
      if (jobsOf({ url }).length <= max) return false;
      response.writeHead(400, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ status: 400, code: "too-many-targets" }));
      return true;
    };
  }

  test("given 10 jobs and a limit of 3, sends smaller requests, and no watch closes", async () => {
    acceptAtMost(3);
    const watches = watchAll(
      make(),
      Array.from({ length: 10 }, (_, index) => `j${index}`),
    );
    const closed = watches.map(() => 0);
    for (const [index, watch] of watches.entries())
      watch.on("connection", ({ status }) => {
        if (status === "closed") closed[index] = 1;
      });
    await Promise.all(watches.map((watch) => untilStatus(watch, "live")));
    fixture.server.write("j9", { percent: 9 });
    await percentIs(watches[9] as JobWatch, 9);
    expect(closed).toEqual(watches.map(() => 0));
    expect(fixture.server.requests.map((request) => jobsOf(request).length)).toEqual([
      10, 5, 5, 2, 2, 2, 2, 2,
    ]);
  });

  test("given a limit of 0, closes the watches with that error", async () => {
    acceptAtMost(0);
    const [a, b] = watchAll(make(), ["a", "b"]) as [JobWatch, JobWatch];
    for (const watch of [a, b])
      expect((await untilStatus(watch, "closed")).connection.error).toMatchObject({
        code: "too-many-targets",
      });
  });
});

describe("each job on its own", () => {
  test("given a refused job, closes its watch with that error, and the others go on", async () => {
    fixture.server.many.refuse({ job: "b", status: 403, code: "forbidden" });
    const [a, b, c] = watchAll(make()) as [JobWatch, JobWatch, JobWatch];
    const { connection } = await untilStatus(b, "closed");
    expect(connection.error).toMatchObject({ code: "forbidden", status: 403, retryable: false });
    await expect(b.result).rejects.toMatchObject({ code: "forbidden" });
    await Promise.all([a, c].map((watch) => untilStatus(watch, "live")));
    fixture.server.many.remove("a");
    expect((await untilStatus(a, "closed")).connection.error?.code).toBe("job-expired");
    expect(statusOf(c)).toBe("live");
  });

  test("given a refused job, refresh() asks for it again over the same feed", async () => {
    fixture.server.many.refuse({ job: "b", status: 403, code: "forbidden" });
    const [a, b] = watchAll(make(), ["a", "b"]) as [JobWatch, JobWatch];
    await untilStatus(b, "closed");
    await untilStatus(a, "live");
    fixture.server.many.allow("b");
    b.refresh();
    await percentIs(b, 1);
    expect(fixture.server.requests).toHaveLength(2);
  });

  test("given a watch that was replaced and starts again, both show the same", async () => {
    const videos = make();
    fixture.server.many.refuse({ job: "a", status: 403, code: "forbidden" });
    const [old] = watchAll(videos, ["a"]) as [JobWatch];
    await untilStatus(old, "closed");
    fixture.server.many.allow("a");
    const watch = videos.watch("a");
    await percentIs(watch, 1);
    watch.subscribe(() => {});
    await untilStatus(watch, "live");
    old.refresh();
    expect(old.getSnapshot().job?.percent).toBe(1);
    expect(statusOf(old)).toBe("live");
    fixture.server.write("a", { percent: 2 });
    await Promise.all([percentIs(old, 2), percentIs(watch, 2)]);
    old.stop();
    fixture.server.write("a", { percent: 3 });
    await percentIs(watch, 3);
  });

  test("given a 401 after fresh credentials, closes all; refresh() of one starts it again", async () => {
    const [a, b] = watchAll(make(), ["a", "b"]) as [JobWatch, JobWatch];
    let isSignedIn = false;
    fixture.server.intercept = ({ response }) => {
      if (isSignedIn) return false;
      response.writeHead(401, { "content-type": "application/problem+json" });
      response.end(JSON.stringify({ status: 401, code: "not-authenticated" }));
      return true;
    };
    for (const watch of [a, b])
      expect((await untilStatus(watch, "closed")).connection.error).toMatchObject({
        code: "not-authenticated",
        status: 401,
      });
    expect(fixture.server.requests).toHaveLength(2);
    isSignedIn = true;
    a.refresh();
    await percentIs(a, 1);
    expect(statusOf(b)).toBe("closed");
    b.refresh();
    await percentIs(b, 1);
    await untilStatus(b, "live");
  });
});

describe("a connection that fails", () => {
  test("given a cut, reconnects with the cursor of each job", async () => {
    const watches = watchAll(make());
    await Promise.all(watches.map((watch) => untilStatus(watch, "live")));
    fixture.server.write("b", { percent: 2 });
    await percentIs(watches[1] as JobWatch, 2);
    fixture.server.many.cut();
    for (const watch of watches) {
      const { connection } = await untilStatus(watch, "waiting");
      expect(connection).toMatchObject({ attempt: 1 });
    }
    fixture.time.advance(1000);
    await Promise.all(watches.map((watch) => untilStatus(watch, "live")));
    const { url } = await fixture.server.request(2);
    expect(url.searchParams.getAll("job")).toEqual(["a@epoch1.1", "b@epoch2.2", "c@epoch3.1"]);
  });

  test("given streams that fail, polls all jobs, also a further one, and returns to the stream", async () => {
    let isBroken = true;
    fixture.server.intercept = ({ accept, response }) => {
      if (accept === "json" || !isBroken) return false;
      response.writeHead(200, { "content-type": "text/html" }).end("<p>");
      return true;
    };
    const videos = make();
    const [a] = watchAll(videos, ["a"]) as [JobWatch];
    await untilStatus(a, "waiting");
    fixture.time.advance(1000);
    await until(a, ({ connection }) => connection.attempt === 2);
    fixture.time.advance(1000);
    await percentIs(a, 1);
    expect(statusOf(a)).toBe("polling");
    const [b] = watchAll(videos, ["b"]) as [JobWatch];
    await percentIs(b, 1);
    const poll = fixture.server.requests[fixture.server.requests.length - 1];
    expect(poll?.url.searchParams.getAll("job")).toEqual(["a@epoch1.1", "b"]);
    expect(poll?.url.searchParams.get("wait")).toBe("20");
    await fixture.time.untilPending(500);
    fixture.time.advance(500);
    await fixture.server.request(5);
    fixture.server.write("a", { percent: 2 });
    await percentIs(a, 2);
    isBroken = false;
    a.refresh();
    await expect.poll(() => fixture.server.many.responses()).toHaveLength(1);
    fixture.server.many.heartbeat();
    await untilStatus(a, "live");
    fixture.server.write("b", { percent: 3 });
    await percentIs(b, 3);
    expect(b.getSnapshot().connection).toMatchObject({ status: "live", transport: "stream" });
  });
});
