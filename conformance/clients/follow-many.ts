import type { Progress } from "@emlinh/progress-server";
import { describe, expect, onTestFinished, test } from "vitest";
import { startFaultProxy } from "../faults/fault-proxy.js";
import { playJob } from "../faults/play-job.js";
import { type ManySite, openManySite } from "./many-site.js";
import { createObserver, type Observer } from "./observer.js";
import type { SseClient } from "./sse-client.js";

const SUBJECT = "user:42";
const PLAN = ["speech", "render"];
/** Only a client that never shows the truth waits so long. */
const NEVER_MS = 40_000;
const TEST_MS = 4 * NEVER_MS;

/** A client at work, and its observer. */
interface Reader extends Observer {
  /** Resolves when the client shows the truth. */
  untilRight(): Promise<void>;
  /** Resolves when the client has received an event so many times. */
  untilNamed(name: string, times?: number): Promise<void>;
  close(): Promise<void>;
}

interface ReaderOptions {
  readonly named: readonly string[];
  /** The query of the first request. @defaultValue the jobs and the subject, without cursors */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

async function openReader(
  client: SseClient,
  { baseUrl, truth }: ManySite,
  { named, query, headers = {} }: ReaderOptions,
): Promise<Reader> {
  const observer = createObserver(named, SUBJECT);
  const stop = await client.open({
    url: () => `${baseUrl}?${observer.names.length === 0 && query ? query : observer.query()}`,
    headers,
    onEvent: observer.take,
    onFault: (fault) => observer.faults.push(fault),
  });
  onTestFinished(stop);
  const polled = { timeout: NEVER_MS };
  return {
    ...observer,
    close: stop,
    async untilRight() {
      const expected = await truth(named, SUBJECT);
      await expect.poll(() => observer.view(), polled).toEqual(expected);
      expect(observer.faults).toEqual([]);
    },
    untilNamed: (name, times = 1) =>
      expect
        .poll(() => observer.names.filter((other) => other === name).length, polled)
        .toBeGreaterThanOrEqual(times),
  };
}

async function create(progress: Progress, id: string, ...subjects: string[]): Promise<void> {
  await progress.create({ kind: "video", id, plan: PLAN, subjects });
}

/** Asserts that a client that sends its cursors got each log line and each end once, in order. */
function expectOnce({ delivered, view }: Reader): void {
  for (const [jobId, { log, finishedAt }] of Object.entries(view().jobs)) {
    const count = delivered.get(jobId);
    expect(count?.lines, jobId).toEqual(log.map(({ n }) => n));
    expect(count?.ends, jobId).toBe(finishedAt === null ? 0 : 1);
  }
}

/** The tests of one client. */
export function followMany(client: SseClient): void {
  describe.skipIf(client.missing !== undefined)(`many jobs over ${client.name}`, () => {
    test("given jobs that come, change, end and go, and cut connections, shows the state of each", {
      timeout: TEST_MS,
    }, async () => {
      const site = await openManySite();
      const { progress } = site;
      for (const id of ["both", "listed", "old"]) await create(progress, id, SUBJECT);
      for (const id of ["named", "other"]) await create(progress, id, "user:43");
      const reader = await openReader(client, site, { named: ["both", "named"] });
      await reader.untilNamed("ready");
      await reader.untilRight();

      const worker = await progress.open("both");
      await create(progress, "new", SUBJECT);
      await playJob(progress, "listed");
      await progress.cancel("old");
      await progress.update("named", { message: "line 1\nline 2\r\n\u2028 🎬" });
      await reader.untilRight();
      await progress.remove("old");
      await reader.untilRight();

      // Some of these changes are on their way when the connections are cut.
      for (let n = 1; n <= 30; n += 1) {
        worker.update({ message: `${n}`, metadata: { n } });
        worker.log(`line ${n}`);
        await worker.flush();
        if (n === 15) await site.cut(async () => {});
      }
      await reader.untilNamed("ready", 2);
      await reader.untilRight();

      await site.cut(async () => {
        await progress.cancel("named");
        await progress.remove("named");
        await progress.remove("listed");
        await create(progress, "newest", SUBJECT);
        await playJob(progress, "new");
        worker.log("meanwhile");
        await worker.flush();
      });
      await reader.untilNamed("ready", 3);
      await reader.untilRight();

      await playJob(progress, "newest");
      await worker.complete({ videoUrl: "/v.mp4" });
      await reader.untilRight();
      expect(reader.view()).toMatchObject({
        listed: ["newest", "new", "both"],
        refused: { named: "job-expired" },
      });
      if (client.sendsCursors) expectOnce(reader);
      await reader.close();
      await expect.poll(() => progress.metrics().streams, { timeout: NEVER_MS }).toBe(0);
    });

    test("given streams that are cut inside frames, shows the state of each job", {
      timeout: TEST_MS,
    }, async () => {
      const site = await openManySite();
      const { progress } = site;
      const proxy = await startFaultProxy(() => site.baseUrl);
      onTestFinished(proxy.close);
      proxy.setFaults(({ stream, index }) =>
        stream && index < 12 ? { kind: "cut", afterBytes: 300 + 211 * index } : { kind: "pass" },
      );
      const ids = ["a", "b", "c"];
      for (const id of ids) await create(progress, id, SUBJECT);
      await playJob(progress, "a");
      const baseUrl = `${proxy.url}${new URL(site.baseUrl).pathname}`;
      const reader = await openReader(client, { ...site, baseUrl }, { named: ["a"] });
      for (const id of ["b", "c"]) await playJob(progress, id);
      await reader.untilRight();
      expect(proxy.requests.filter(({ stream }) => stream).length).toBeGreaterThan(3);
      if (client.sendsCursors) expectOnce(reader);
    });

    test("given stale cursors, gets snapshots and shows the state of each job", {
      timeout: TEST_MS,
    }, async () => {
      const site = await openManySite();
      const { progress } = site;
      const named = ["foreign", "future", "malformed"];
      for (const id of named) await create(progress, id);
      await create(progress, "listed", SUBJECT);
      for (const id of [...named, "listed"]) await progress.update(id, { message: `of ${id}` });
      const { cursor = "" } = (await progress.status("future")) ?? {};
      const future = cursor.replace(/\d+$/, "999999");
      const query = [
        ...["job=foreign@wrong.5", `job=future@${future}`, "job=malformed@5"],
        ...[`subject=${SUBJECT}`, "after=listed@wrong.5"],
      ];
      const reader = await openReader(client, site, { named, query: query.join("&") });
      await reader.untilNamed("ready");
      await reader.untilRight();
      const snapshots = [...named, "listed"].map((id) => `snapshot ${id}`);
      expect(reader.names.slice(0, 7)).toEqual(["hello", "listed", ...snapshots, "ready"]);
      for (const id of named) await progress.cancel(id);
      await reader.untilRight();
    });

    test.skipIf(!client.setsHeaders)(
      "given a Last-Event-ID, the server ignores it",
      {
        timeout: TEST_MS,
      },
      async () => {
        const site = await openManySite();
        const { progress } = site;
        await create(progress, "named");
        await progress.update("named", { message: "m" });
        const { cursor = "" } = (await progress.status("named")) ?? {};
        const headers = { "Last-Event-ID": cursor };
        const reader = await openReader(client, site, { named: ["named"], headers });
        await reader.untilNamed("ready");
        await reader.untilRight();
        expect(reader.names.slice(0, 4)).toEqual(["hello", "listed", "snapshot named", "ready"]);
      },
    );
  });
}
