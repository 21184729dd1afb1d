import { JobManager, type JobsSnapshot, type JobsWatch, watchJobs } from "@emlinh/progress-client";
import { stateOf } from "@emlinh/progress-protocol";
import { memoryStore } from "@emlinh/progress-server";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HTML, QUICK } from "./behaviour.js";
import type { Fault } from "./fault-proxy.js";
import { playJob } from "./play-job.js";
import { type Record, recordWatch } from "./record.js";
import { expectRight } from "./right.js";
import { makeWorld, type World } from "./world.js";

/** The list and its jobs, each over a connection of its own kind, until both show the end of every job. */
interface ListViewer {
  readonly list: JobsWatch;
  readonly records: ReadonlyMap<string, Record>;
  readonly statuses: readonly string[];
  watch(jobId: string): void;
  until(expected: (viewer: ListViewer) => boolean): Promise<void>;
  close(): void;
}

function openListViewer(world: World, subject: string): ListViewer {
  const options = { baseUrl: world.baseUrl, ...QUICK };
  const manager = new JobManager({ ...options, storage: false });
  const list = watchJobs({ ...options, subject });
  const records = new Map<string, Record>();
  const statuses: string[] = [];
  const stops: (() => void)[] = [];
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const check of waiting) check();
  };
  const viewer: ListViewer = {
    list,
    records,
    statuses,
    watch(jobId) {
      const stop = recordWatch(manager.watch(jobId), (record) => {
        records.set(jobId, record);
        changed();
      });
      stops.push(stop);
    },
    until: (expected) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!expected(viewer)) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
    close() {
      for (const stop of stops) stop();
      list.stop();
      manager.close();
    },
  };
  list.subscribe(({ connection }) => {
    if (statuses.at(-1) !== connection.status) statuses.push(connection.status);
    changed();
  });
  return viewer;
}

describe("a list and a manager", () => {
  let world: World;
  let subjects = 0;
  let subject = "";
  const viewers: ListViewer[] = [];

  beforeEach(async () => {
    // A list must be allowed by name.
    world = await makeWorld({ heartbeatMs: 100, authorize: () => true });
    nextSubject();
  });
  afterEach(async () => {
    for (const viewer of viewers.splice(0)) viewer.close();
    await world.close();
  });

  function nextSubject(): void {
    subjects += 1;
    subject = `user:${subjects}`;
  }

  function view(): ListViewer {
    const viewer = openListViewer(world, subject);
    viewers.push(viewer);
    return viewer;
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
    const viewer = view();
    for (const id of ids) viewer.watch(id);
    await playJob(world.progress, ids[0] as string);
    ids.push(await newJob());
    viewer.watch(ids[2] as string);
    await Promise.all(ids.slice(1).map((id) => playJob(world.progress, id)));
    await viewer.until(({ records, list }) => {
      const { summary } = list.getSnapshot();
      const areSettled = ids.every((id) => records.get(id)?.settled);
      return areSettled && summary.total === 3 && summary.finished === 3;
    });
    for (const id of ids) await expectRight(world.store, id, viewer.records.get(id) as Record);
    await expectList(viewer.list.getSnapshot());
    viewer.close();
  }

  test("given no fault, shows every job to its end", () => followUnder(() => ({ kind: "pass" })));

  test("given streams that are cut after any number of bytes, recovers", async () => {
    for (let afterBytes = 0; afterBytes <= 9000; afterBytes += 211)
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
      stream ? HTML : index % 2 === 0 ? { kind: "cut", afterBytes: 90 * index } : { kind: "pass" },
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
    const viewer = view();
    viewer.watch(id);
    await viewer.until(({ statuses }) => statuses.at(-1) === "polling");
    isBlocked = false;
    await viewer.until(({ statuses }) => statuses.at(-1) === "live");
    await playJob(world.progress, id);
    await viewer.until(({ records, list }) => {
      const { finished } = list.getSnapshot().summary;
      return finished === 1 && records.get(id)?.settled !== null;
    });
    await expectRight(world.store, id, viewer.records.get(id) as Record);
  });

  test("given a server that is killed and started again over the same store, continues", async () => {
    const id = await newJob();
    const viewer = view();
    viewer.watch(id);
    await viewer.until(({ list }) => list.getSnapshot().jobs.length === 1);
    await world.kill();
    await viewer.until(({ statuses }) => statuses.includes("waiting"));
    await world.start();
    await viewer.until(({ statuses }) => statuses.at(-1) === "live");
    await playJob(world.progress, id);
    await viewer.until(({ records, list }) => {
      const { finished } = list.getSnapshot().summary;
      return finished === 1 && records.get(id)?.settled !== null;
    });
    const record = viewer.records.get(id) as Record;
    await expectRight(world.store, id, record);
    expect(record.resets).toBe(0);
  });

  test("given a server that restarts without its jobs, the list empties, and the watch ends", async () => {
    const id = await newJob();
    const viewer = view();
    viewer.watch(id);
    await viewer.until(
      ({ records, list }) => list.getSnapshot().jobs.length === 1 && !!records.get(id)?.job,
    );
    await world.kill();
    await world.start(memoryStore());
    await viewer.until(
      ({ records, list }) =>
        list.getSnapshot().jobs.length === 0 && records.get(id)?.settled !== null,
    );
    expect(viewer.records.get(id)?.settled).toEqual({ code: "job-not-found" });
    const again = (await world.progress.create({ kind: "other", subjects: [subject] })).id;
    await viewer.until(({ list }) => list.getSnapshot().jobs[0]?.id === again);
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
      { numRuns: 10, endOnFailure: true },
    );
  });
});
