import type { JobsSnapshot } from "@emlinh/progress-client";
import { stateOf } from "@emlinh/progress-protocol";
import { memoryStore } from "@emlinh/progress-server";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HTML, QUICK } from "./behaviour.js";
import type { Fault } from "./fault-proxy.js";
import type { ListViewer, ListViewerOptions } from "./list-viewer.js";
import { playJob } from "./play-job.js";
import type { Record } from "./record.js";
import { expectRight } from "./right.js";
import { makeWorld, type World } from "./world.js";

/** The viewers of a list in one client, such as one in each tab of a browser. */
interface ListViewers {
  readonly all: readonly ListViewer[];
  /** Checks that must hold at any time. */
  check(): void;
  close(): void;
}

/** The settings for one kind of client. */
export interface ListBehaviourOptions {
  open(options: ListViewerOptions): Promise<ListViewers>;
  /** The distance in bytes between two cuts of a stream. */
  readonly cutEvery: number;
  /** The number of random sequences of faults. */
  readonly randomRuns: number;
}

/** The behaviour of lists, and of jobs that are watched beside them, under faults. */
export function listBehaviour(name: string, options: ListBehaviourOptions): void {
  describe(name, () => {
    let world: World;
    let subjects = 0;
    let subject = "";
    const opened: ListViewers[] = [];

    beforeEach(async () => {
      // A list must be allowed by name.
      world = await makeWorld({ heartbeatMs: 100, authorize: () => true });
      nextSubject();
    });
    afterEach(async () => {
      for (const viewers of opened.splice(0)) viewers.close();
      await world.close();
    });

    function nextSubject(): void {
      subjects += 1;
      subject = `user:${subjects}`;
    }

    async function view(): Promise<ListViewers> {
      const viewers = await options.open({ baseUrl: world.baseUrl, ...QUICK, subject });
      opened.push(viewers);
      return viewers;
    }

    /** Watches a job by its id in each viewer. */
    function watch({ all }: ListViewers, jobId: string): void {
      for (const viewer of all) viewer.watch(jobId);
    }

    /** Resolves when each viewer meets a condition. */
    async function until(
      { all, check }: ListViewers,
      expected: (viewer: ListViewer) => boolean,
    ): Promise<void> {
      await Promise.all(all.map((viewer) => viewer.until(expected)));
      check();
    }

    /** Asserts that each viewer shows the end of jobs as the store has it. */
    async function expectAllRight({ all }: ListViewers, ids: readonly string[]): Promise<void> {
      for (const { records, list, stepsBack } of all) {
        for (const id of ids) await expectRight(world.store, id, records.get(id) as Record);
        await expectList(list.getSnapshot());
        expect(stepsBack).toEqual([]);
      }
    }

    async function newJob(): Promise<string> {
      const plan = [
        { id: "speech", title: "Speech", weight: 1 },
        { id: "render", title: "Render", weight: 3 },
      ];
      return (await world.progress.create({ kind: "video", plan, subjects: [subject] })).id;
    }

    /** Asserts that the list is that of the store, with the state of each job. */
    async function expectList({ jobs, summary }: JobsSnapshot): Promise<void> {
      const stored = await world.store.list(subject, { limit: 100 });
      expect(jobs.map(({ id }) => id)).toEqual(stored.jobs);
      for (const job of jobs) {
        const delta = await world.store.read(job.id);
        const { etaMs: _, ...truth } = stateOf(job.id, delta?.set ?? {}, 0);
        expect(job).toMatchObject(truth);
      }
      expect(summary).toMatchObject({ total: jobs.length, finished: jobs.length, percent: 100 });
    }

    /** Follows jobs under faults while they work and appear, until each of them has ended. */
    async function followUnder(choose: (stream: boolean, index: number) => Fault): Promise<void> {
      nextSubject();
      const seen = { stream: 0, poll: 0 };
      world.proxy.setFaults(({ stream }) => choose(stream, stream ? seen.stream++ : seen.poll++));
      const ids = [await newJob(), await newJob()];
      const viewers = await view();
      for (const id of ids) watch(viewers, id);
      await playJob(world.progress, ids[0] as string);
      ids.push(await newJob());
      watch(viewers, ids[2] as string);
      await Promise.all(ids.slice(1).map((id) => playJob(world.progress, id)));
      await until(viewers, ({ records, list }) => {
        const { summary } = list.getSnapshot();
        const areSettled = ids.every((id) => records.get(id)?.settled);
        return areSettled && summary.total === 3 && summary.finished === 3;
      });
      await expectAllRight(viewers, ids);
      viewers.close();
    }

    test("given no fault, shows every job to its end", () => followUnder(() => ({ kind: "pass" })));

    test("given streams that are cut after any number of bytes, recovers", async () => {
      for (let afterBytes = 0; afterBytes <= 9000; afterBytes += options.cutEvery)
        await followUnder((stream, index) =>
          stream && index < 2 ? { kind: "cut", afterBytes } : { kind: "pass" },
        );
    });

    test("given streams that are each cut a little later than the one before, recovers", () =>
      followUnder((stream, index) =>
        stream ? { kind: "cut", afterBytes: 150 + 150 * index } : { kind: "pass" },
      ));

    test("given polls that are cut, recovers", () =>
      followUnder((stream, index) =>
        stream
          ? HTML
          : index % 2 === 0
            ? { kind: "cut", afterBytes: 90 * index }
            : { kind: "pass" },
      ));

    test.each<[string, Fault]>([
      ["that are refused", { kind: "refuse" }],
      ["that are never answered", { kind: "swallow" }],
      ["that fall silent after the first kilobyte", { kind: "stall", afterBytes: 1000 }],
      ["with 200 and HTML", HTML],
      ["that a proxy buffers", { kind: "buffer", untilBytes: 1 << 20 }],
    ])("given only streams %s, polls", async (_case, fault) => {
      await followUnder((stream) => (stream ? fault : { kind: "pass" }));
    });

    test("given streams that work again, changes over from polling without a gap", async () => {
      let isBlocked = true;
      world.proxy.setFaults(({ stream }) => (stream && isBlocked ? HTML : { kind: "pass" }));
      const id = await newJob();
      const viewers = await view();
      watch(viewers, id);
      await until(viewers, ({ statuses }) => statuses.at(-1) === "polling");
      isBlocked = false;
      await until(viewers, ({ statuses }) => statuses.at(-1) === "live");
      await playJob(world.progress, id);
      await until(viewers, ({ records, list }) => {
        const { finished } = list.getSnapshot().summary;
        return finished === 1 && !!records.get(id)?.settled;
      });
      await expectAllRight(viewers, [id]);
    });

    test("given a server that is killed and started again over the same store, continues", async () => {
      const id = await newJob();
      const viewers = await view();
      watch(viewers, id);
      await until(viewers, ({ list }) => list.getSnapshot().jobs.length === 1);
      await world.kill();
      await until(viewers, ({ statuses }) => statuses.includes("waiting"));
      await world.start();
      await until(viewers, ({ statuses }) => statuses.at(-1) === "live");
      await playJob(world.progress, id);
      await until(viewers, ({ records, list }) => {
        const { finished } = list.getSnapshot().summary;
        return finished === 1 && !!records.get(id)?.settled;
      });
      await expectAllRight(viewers, [id]);
      for (const { records } of viewers.all) expect(records.get(id)?.resets).toBe(0);
    });

    test("given a server that restarts without its jobs, the list empties, and the watch ends", async () => {
      const id = await newJob();
      const viewers = await view();
      watch(viewers, id);
      await until(
        viewers,
        ({ records, list }) => list.getSnapshot().jobs.length === 1 && !!records.get(id)?.job,
      );
      await world.kill();
      await world.start(memoryStore());
      await until(
        viewers,
        ({ records, list }) => list.getSnapshot().jobs.length === 0 && !!records.get(id)?.settled,
      );
      for (const { records } of viewers.all)
        expect(records.get(id)?.settled).toEqual({ code: "job-not-found" });
      const again = (await world.progress.create({ kind: "other", subjects: [subject] })).id;
      await until(viewers, ({ list }) => list.getSnapshot().jobs[0]?.id === again);
    });

    test("given any sequence of faults, recovers", async () => {
      const bytes = fc.nat({ max: 4000 });
      const fault: fc.Arbitrary<Fault> = fc.oneof(
        bytes.map((afterBytes): Fault => ({ kind: "cut", afterBytes })),
        bytes.map((afterBytes): Fault => ({ kind: "stall", afterBytes })),
        bytes.map((untilBytes): Fault => ({ kind: "buffer", untilBytes })),
        fc.constantFrom<Fault>({ kind: "refuse" }, HTML, { kind: "pass" }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(fault, { minLength: 1, maxLength: 10 }), (faults) =>
          followUnder((_stream, index) => faults[index] ?? { kind: "pass" }),
        ),
        // Each run uses real connections and real waits, so shrinking would take minutes.
        { numRuns: options.randomRuns, endOnFailure: true },
      );
    });
  });
}
