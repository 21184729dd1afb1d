import { memoryStore } from "@emlinh/progress-server";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fault } from "./fault-proxy.js";
import { playJob } from "./play-job.js";
import { expectRight } from "./right.js";
import type { OpenViewer, Viewer, ViewerOptions } from "./viewer.js";
import { makeWorld, type World } from "./world.js";

/** The settings for one kind of viewer. */
export interface BehaviourOptions {
  readonly open: OpenViewer;
  /** Files that the server serves besides the progress, such as the page of the viewers. */
  readonly files?: () => Promise<{ [path: string]: { type: string; body: string } }>;
  /** The distance in bytes between two cuts of a stream. */
  readonly cutEvery: number;
  /** The number of random sequences of faults. */
  readonly randomRuns: number;
}

/** Short waits, so that the tests spend their time on faults and not on waits. */
export const QUICK: Omit<ViewerOptions, "baseUrl"> = {
  backoffMs: [5, 10, 20],
  openTimeoutMs: 400,
  minSilenceMs: 400,
  pollIntervalMs: 20,
  pollWaitMs: 1000,
  probesMs: [60],
};

export const HTML: Fault = {
  kind: "answer",
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<!doctype html><title>Please log in</title>",
};

/**
 * The behaviour of a client under faults, wherever it runs: after every fault its state equals that of the store, each
 * line was delivered once, and there is one end.
 */
export function behaviour(name: string, options: BehaviourOptions): void {
  describe(name, () => {
    let world: World;
    const viewers: Viewer[] = [];

    beforeEach(async () => {
      world = await makeWorld({ heartbeatMs: 100 }, await options.files?.());
    });
    afterEach(async () => {
      await Promise.all(viewers.splice(0).map((viewer) => viewer.close()));
      await world.close();
    });

    async function view(jobId: string, more: Partial<ViewerOptions> = {}): Promise<Viewer> {
      const viewer = await options.open(jobId, { baseUrl: world.baseUrl, ...QUICK, ...more });
      viewers.push(viewer);
      return viewer;
    }

    async function newJob(): Promise<string> {
      const plan = [
        { id: "speech", title: "Speech", weight: 1 },
        { id: "render", title: "Render", weight: 3 },
      ];
      return (await world.progress.create({ kind: "video", plan })).id;
    }

    /** Watches a job under faults while its work is done, until its end. */
    async function watchUnder(choose: (stream: boolean, index: number) => Fault) {
      const jobId = await newJob();
      const seen = { stream: 0, poll: 0 };
      world.proxy.setFaults(({ stream, url }) => {
        if (!url.includes(jobId)) return { kind: "pass" };
        const index = stream ? seen.stream++ : seen.poll++;
        return choose(stream, index);
      });
      const viewer = await view(jobId);
      await playJob(world.progress, jobId);
      const record = await viewer.until("the end", ({ settled }) => settled !== null);
      await expectRight(world.store, jobId, record);
      return record;
    }

    test("given no fault, shows the job to its end", async () => {
      const record = await watchUnder(() => ({ kind: "pass" }));
      expect(record.settled).toEqual({ value: { videoUrl: "/v.mp4" } });
      expect(record.connections.at(-1)).toBe("closed");
    });

    test("given a stream that is cut after any number of bytes, recovers", async () => {
      // Longer than the stream, so that the last cuts come after its end.
      const maxBytes = 3000;
      for (let after = 0; after <= maxBytes; after += options.cutEvery) {
        await watchUnder((stream, index) =>
          stream && index === 0 ? { kind: "cut", afterBytes: after } : { kind: "pass" },
        );
      }
    });

    test("given streams that are each cut a little later than the one before, recovers", async () => {
      await watchUnder((stream, index) =>
        stream ? { kind: "cut", afterBytes: 120 + 60 * index } : { kind: "pass" },
      );
    });

    test("given a stream that stalls in the middle of a frame, recovers", async () => {
      const record = await watchUnder((stream, index) =>
        stream && index === 0 ? { kind: "stall", afterBytes: 333 } : { kind: "pass" },
      );
      expect(record.ends).toBe(1);
    });

    test.each<[string, Fault]>([
      ["that are refused", { kind: "refuse" }],
      ["that are never answered", { kind: "swallow" }],
      ["with 200 and no bytes", { kind: "stall", afterBytes: 0 }],
      ["with 200 and HTML", HTML],
      ["that a proxy buffers", { kind: "buffer", untilBytes: 1 << 20 }],
    ])("given only streams %s, polls", async (_case, fault) => {
      const jobId = await newJob();
      world.proxy.setFaults(({ stream }) => (stream ? fault : { kind: "pass" }));
      const viewer = await view(jobId);
      await viewer.until("polling", ({ connections }) => connections.includes("polling"));
      await playJob(world.progress, jobId);
      const record = await viewer.until("the end", ({ settled }) => settled !== null);
      await expectRight(world.store, jobId, record);
    });

    test("given streams that work again, changes over from polling without a gap", async () => {
      const jobId = await newJob();
      let blocked = true;
      world.proxy.setFaults(({ stream }) => (stream && blocked ? HTML : { kind: "pass" }));
      const viewer = await view(jobId);
      await viewer.until("polling", ({ connections }) => connections.includes("polling"));
      blocked = false;
      await viewer.until("the stream again", ({ connections }) => connections.at(-1) === "live");
      await playJob(world.progress, jobId);
      const record = await viewer.until("the end", ({ settled }) => settled !== null);
      await expectRight(world.store, jobId, record);
    });

    test.each([
      ["Retry-After", { headers: { "retry-after": "1" }, body: "" }],
      ["retryAfterMs in its body", { headers: {}, body: '{"retryAfterMs":1000}' }],
    ])("given 503 with %s, does not return before", async (_case, answer) => {
      const jobId = await newJob();
      world.proxy.setFaults(({ stream, index }) =>
        stream && index === 0 ? { kind: "answer", status: 503, ...answer } : { kind: "pass" },
      );
      const viewer = await view(jobId);
      await viewer.until("the stream", ({ connections }) => connections.at(-1) === "live");
      const [first, second] = world.proxy.requests.filter(({ url }) => url.includes(jobId));
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1000);
      await playJob(world.progress, jobId);
      await expectRight(world.store, jobId, await viewer.until("the end", ({ ends }) => ends > 0));
    });

    test("given a server that is killed and started again over the same store, continues", async () => {
      const jobId = await newJob();
      const viewer = await view(jobId);
      const job = await world.progress.open(jobId);
      await job.step("speech", () => undefined);
      const before = await viewer.until("a percent", ({ job }) => (job?.percent ?? 0) >= 25);
      await job.close();
      await world.kill();
      await viewer.until("a lost connection", ({ connections }) => connections.includes("waiting"));
      await world.start();
      await viewer.until("the stream again", ({ connections }) => connections.at(-1) === "live");
      await playJob(world.progress, jobId);
      const record = await viewer.until("the end", ({ settled }) => settled !== null);
      await expectRight(world.store, jobId, record);
      expect(record.resets).toBe(0);
      expect(before.job?.percent).toBe(25);
    });

    test("given a server that restarts without its jobs, rejects with job-not-found", async () => {
      const jobId = await newJob();
      const viewer = await view(jobId);
      await viewer.until("the job", ({ job }) => job !== null);
      await world.kill();
      await world.start(memoryStore());
      const record = await viewer.until("the refusal", ({ settled }) => settled !== null);
      expect(record.settled).toEqual({ code: "job-not-found" });
      expect(record.ends).toBe(0);
      expect(record.job?.status).toBe("queued");
    });

    test("given another job by the same id, resets, and never mixes the two", async () => {
      const jobId = await newJob();
      const viewer = await view(jobId);
      const first = await world.progress.open(jobId);
      first.log("of the first");
      first.update({ metadata: { only: "first" } });
      await first.flush();
      await viewer.until("the first", ({ log }) => log.length === 1);
      await first.close();
      await world.kill();
      await world.start(memoryStore());
      await world.progress.create({ id: jobId, kind: "other", metadata: { only2: "second" } });
      const record = await viewer.until("the second", ({ job }) => job?.kind === "other");
      expect(record.resets).toBe(1);
      expect(record.job?.metadata).toEqual({ only2: "second" });
    });

    test("given any sequence of faults, recovers", async () => {
      const bytes = fc.nat({ max: 1500 });
      const fault: fc.Arbitrary<Fault> = fc.oneof(
        bytes.map((afterBytes): Fault => ({ kind: "cut", afterBytes })),
        bytes.map((afterBytes): Fault => ({ kind: "stall", afterBytes })),
        bytes.map((untilBytes): Fault => ({ kind: "buffer", untilBytes })),
        fc.constantFrom<Fault>(
          { kind: "refuse" },
          { kind: "answer", status: 502, headers: {}, body: "Bad Gateway" },
          HTML,
          { kind: "pass" },
        ),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 8 }), async (faults) => {
          await watchUnder((_stream, index) => faults[index] ?? { kind: "pass" });
        }),
        // Each run uses real connections and real waits, so shrinking would take minutes.
        { numRuns: options.randomRuns, endOnFailure: true },
      );
    });
  });
}
