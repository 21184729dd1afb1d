import type { JobManager, JobStorage } from "@emlinh/progress-client";
import { storedJobs } from "@emlinh/progress-client/core/manager/stored-jobs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { managerFixture, memoryStorage } from "./support/manager-fixture.js";
import { until } from "./support/until.js";

const fixture = managerFixture();
const { make, serveCreate } = fixture;

const idsOf = (videos: JobManager) => videos.resume().map(({ jobId }) => jobId);
/** The ids that a reload of the page finds. */
const foundIds = () => idsOf(make());

describe("a reload of the page", () => {
  test("given jobs of an earlier page, finds them again in order, finished ones as well", async () => {
    fixture.server.create("a", { status: "completed", result: 1 });
    fixture.server.create("b", { percent: 5 });
    const before = make();
    before.watch("a");
    before.watch("b");
    before.close();
    const [a, b] = make().resume();
    await expect(a?.result).resolves.toBe(1);
    expect(b && (await until(b, ({ job }) => job?.percent === 5)).job?.id).toBe("b");
  });

  test("given a job that was forgotten, or that the server does not have, does not find it again", async () => {
    fixture.server.create("a");
    const before = make();
    for (const jobId of ["a", "b", "missing"]) before.watch(jobId);
    before.forget("b");
    await before.watch("missing").result.catch(() => {});
    before.close();
    expect(foundIds()).toEqual(["a"]);
  });

  test.each(["{", "null", '{"a":1}', '[1,null,""]', '[{"id":".."},{"id":7},[]]'])(
    "given %o in the storage, finds nothing, and keeps the next job",
    (text) => {
      fixture.storage.setItem(`emlinh-progress:${fixture.server.baseUrl}`, text);
      const videos = make();
      expect(videos.resume()).toEqual([]);
      videos.watch("a");
      expect(foundIds()).toEqual(["a"]);
    },
  );

  test("given a storage that throws, works without it", () => {
    const broken = (): never => {
      throw new Error("The quota is used up.");
    };
    const videos = make({ storage: { getItem: broken, setItem: broken } });
    expect(videos.resume()).toEqual([]);
    expect(videos.watch("a").jobId).toBe("a");
  });

  test("given two managers with different keys, they do not share jobs; given no storage, keeps nothing", () => {
    make({ storageKey: "one" }).watch("a");
    expect(make({ storageKey: "two" }).resume()).toEqual([]);
    expect(fixture.storage.items.get("one")).toBe('[{"id":"a"}]');
    make({ storage: false }).watch("b");
    expect(make({ storage: false }).resume()).toEqual([]);
  });
});

describe("more than one writer", () => {
  test("given create() before resume(), the jobs of the earlier page stay", async () => {
    serveCreate();
    make().watch("a");
    const videos = make();
    await videos.create({});
    expect(idsOf(videos)).toEqual(["job1", "a"]);
    expect(foundIds()).toEqual(["a", "job1"]);
  });

  test("given forget() before resume(), that job is forgotten, and the others stay", () => {
    const before = make();
    for (const jobId of ["a", "b"]) before.watch(jobId);
    const videos = make();
    videos.forget("a");
    expect(idsOf(videos)).toEqual(["b"]);
    expect(foundIds()).toEqual(["b"]);
  });

  test("given two managers, each keeps the jobs of the other", () => {
    const [one, two] = [make(), make()];
    one.watch("a");
    two.watch("b");
    one.watch("c");
    two.forget("b");
    expect(foundIds()).toEqual(["a", "c"]);
  });

  test("given two managers and one key at the same time, there is one job, stored once", async () => {
    serveCreate();
    const [one, two] = [make(), make()];
    const watches = await Promise.all(
      [one, two].map((videos) => videos.create({ topic: "a" }, { key: "k" })),
    );
    expect(watches.map(({ jobId }) => jobId)).toEqual(["job1", "job1"]);
    expect(watches[0]).not.toBe(watches[1]);
    expect(foundIds()).toEqual(["job1"]);
  });

  test("given two tabs of one localStorage, the second finds the jobs of the first when it asks", async () => {
    fixture.server.create("a", { percent: 5 });
    const [one, two] = [make(), make({ storage: viewOf(fixture.storage) })];
    one.watch("a");
    expect(two.jobs()).toEqual([]);
    const [a] = two.resume();
    expect(a && (await until(a, ({ job }) => job?.percent === 5)).job?.id).toBe("a");
  });

  test("given a job that another tab forgot, its end does not store it again", async () => {
    fixture.server.create("a", { percent: 5 });
    const [one, two] = [make(), make()];
    const a = one.watch("a");
    await until(a, ({ job }) => job?.percent === 5);
    two.forget("a");
    fixture.server.write("a", { status: "completed", result: 1 });
    await a.result;
    expect(foundIds()).toEqual([]);
  });

  test("given any order of changes in two tabs, the storage has what each tab changed", () => {
    const changes = fc.array(
      fc.record({
        tab: fc.nat({ max: 1 }),
        change: fc.constantFrom("add", "end", "remove"),
        id: fc.constantFrom("a", "b", "c", "d"),
      } as const),
    );
    fc.assert(
      fc.property(changes, (all) => {
        const shared = memoryStorage();
        const tabs = [0, 1].map(() => storedJobs(viewOf(shared), "key"));
        const model = new Set<string>();
        for (const { tab, change, id } of all) {
          tabs[tab]?.[change](id);
          if (change === "add") model.add(id);
          if (change === "remove") model.delete(id);
        }
        for (const tab of tabs) expect(tab.ids()).toEqual([...model]);
      }),
    );
  });
});

/** Another tab's access to a storage. */
function viewOf(storage: JobStorage): JobStorage {
  return {
    getItem: (key) => storage.getItem(key),
    setItem: (key, value) => storage.setItem(key, value),
  };
}

describe("more jobs than fit in the storage", () => {
  test("keeps the newest", () => {
    const videos = make();
    for (let count = 1; count <= 60; count += 1) videos.watch(`j${count}`);
    const ids = foundIds();
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([50, "j11", "j60"]);
  });

  test("given 50 jobs that ended later, the running ones stay, and the oldest ended ones go", async () => {
    const videos = make();
    videos.watch("running");
    for (let count = 1; count <= 50; count += 1) {
      fixture.server.create(`j${count}`, { status: "completed", result: 1 });
      await videos.watch(`j${count}`).result;
    }
    videos.watch("new");
    const ids = foundIds();
    expect([ids.length, ids[0], ids[1], ids.at(-1)]).toEqual([50, "running", "j3", "new"]);
  });

  test("given any changes, at most 50 are kept, and an ended job only if every running one is", () => {
    const changes = fc.array(
      fc.record({ change: fc.constantFrom("add", "end"), id: fc.nat({ max: 99 }) } as const),
      { maxLength: 200, minLength: 100, size: "max" },
    );
    fc.assert(
      fc.property(changes, (all) => {
        const storage = memoryStorage();
        const stored = storedJobs(storage, "key");
        for (const { change, id } of all) {
          const before = JSON.parse(storage.getItem("key") ?? "[]") as {
            id: string;
            ended?: true;
          }[];
          stored[change](`j${id}`);
          const after = new Set(stored.ids());
          expect(after.size).toBeLessThanOrEqual(50);
          const lost = before.filter((job) => !after.has(job.id));
          if (lost.some(({ ended }) => !ended))
            expect(storage.getItem("key")).not.toContain("ended");
        }
      }),
      { numRuns: 30 },
    );
  });
});
