import { memoryStore } from "@emlinh/progress-server";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Fault } from "./fault-proxy.js";
import { playJob } from "./play-job.js";
import { expectRight } from "./right.js";
import type { OpenViewer, Viewer, ViewerOptions } from "./viewer.js";
import { makeWorld, type World } from "./world.js";

/** What one sort of viewer is tested with. */
export interface BehaviourOptions {
  readonly open: OpenViewer;
  /** Files that the server serves beside the progress: a page to view in. */
  readonly files?: () => Promise<{ [path: string]: { type: string; body: string } }>;
  /** Every how many bytes a stream is cut. */
  readonly cutEvery: number;
  /** How many random sequences of faults are lived through. */
  readonly randomRuns: number;
}

/** Short waits, so that the faults and not the waits take the time. */
const QUICK: Omit<ViewerOptions, "baseUrl"> = {
  backoffMs: [5, 10, 20],
  openTimeoutMs: 400,
  minSilenceMs: 400,
  pollIntervalMs: 20,
  pollWaitMs: 1000,
  probesMs: [60],
};

const HTML: Fault = {
  kind: "answer",
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<!doctype html><title>Please log in</title>",
};

/** What a reader must live through, whatever it runs in: after every fault the state is the store's, each line came once, and there is one end. */
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

    /** Watches a job while it is worked on under the faults, to its end. */
    async function survive(choose: (stream: boolean, index: number) => Fault) {
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

    test("no fault at all", async () => {
      const record = await survive(() => ({ kind: "pass" }));
      expect(record.settled).toEqual({ value: { videoUrl: "/v.mp4" } });
      expect(record.connections.at(-1)).toBe("closed");
    });

    test("the stream is cut after any number of bytes", async () => {
      // More than the stream is long: the last cuts come after its end, or never.
      const whole = 3000;
      for (let after = 0; after <= whole; after += options.cutEvery) {
        await survive((stream, index) =>
          stream && index === 0 ? { kind: "cut", afterBytes: after } : { kind: "pass" },
        );
      }
    });

    test("every stream is cut a little later than the one before", async () => {
      await survive((stream, index) =>
        stream ? { kind: "cut", afterBytes: 120 + 60 * index } : { kind: "pass" },
      );
    });

    test("the stream stalls in the middle of a frame", async () => {
      const record = await survive((stream, index) =>
        stream && index === 0 ? { kind: "stall", afterBytes: 333 } : { kind: "pass" },
      );
      expect(record.ends).toBe(1);
    });

    test.each<[string, Fault]>([
      ["refused", { kind: "refuse" }],
      ["taken and never answered", { kind: "swallow" }],
      ["200 and mute", { kind: "stall", afterBytes: 0 }],
      ["200 and HTML", HTML],
      ["held back by a buffering proxy", { kind: "buffer", untilBytes: 1 << 20 }],
    ])("streams are for ever %s: polling takes over", async (_what, fault) => {
      const jobId = await newJob();
      world.proxy.setFaults(({ stream }) => (stream ? fault : { kind: "pass" }));
      const viewer = await view(jobId);
      await viewer.until("polling", ({ connections }) => connections.includes("polling"));
      await playJob(world.progress, jobId);
      const record = await viewer.until("the end", ({ settled }) => settled !== null);
      await expectRight(world.store, jobId, record);
    });

    test("streams work again: polling gives back, without a gap", async () => {
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

    test("503 with Retry-After: nobody comes back before", async () => {
      const jobId = await newJob();
      world.proxy.setFaults(({ stream, index }) =>
        stream && index === 0
          ? { kind: "answer", status: 503, headers: { "retry-after": "1" }, body: "" }
          : { kind: "pass" },
      );
      const viewer = await view(jobId);
      await viewer.until("the stream", ({ connections }) => connections.at(-1) === "live");
      const [first, second] = world.proxy.requests.filter(({ url }) => url.includes(jobId));
      expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(1000);
      await playJob(world.progress, jobId);
      await expectRight(world.store, jobId, await viewer.until("the end", ({ ends }) => ends > 0));
    });

    test("the server is killed and started again over the same store", async () => {
      const jobId = await newJob();
      const viewer = await view(jobId);
      const job = await world.progress.open(jobId);
      await job.step("speech", () => undefined);
      const before = await viewer.until("a percent", ({ job }) => (job?.percent ?? 0) >= 25);
      await job.close();
      await world.kill();
      await viewer.until("that the line is cut", ({ connections }) =>
        connections.includes("waiting"),
      );
      await world.start();
      await viewer.until("the line again", ({ connections }) => connections.at(-1) === "live");
      await playJob(world.progress, jobId);
      const record = await viewer.until("the end", ({ settled }) => settled !== null);
      await expectRight(world.store, jobId, record);
      expect(record.resets).toBe(0);
      expect(before.job?.percent).toBe(25);
    });

    test("the server is started again and knows nothing: that is said, not waited for", async () => {
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

    test("the server has another job by the same id: a reset, and never a mixture", async () => {
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

    test("any faults, one after the other", async () => {
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
          await survive((_stream, index) => faults[index] ?? { kind: "pass" });
        }),
        // Each run takes real connections and real waits: shrinking would take minutes.
        { numRuns: options.randomRuns, endOnFailure: true },
      );
    });
  });
}
