import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertRejects, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  cursorParts,
  draft,
  isRemoved,
  LONG_MS,
  LOST_MS,
  line,
  NOTHING_SWEPT,
  outcomesOf,
  QUEUED,
  range,
  readJob,
} from "../fixtures.js";

/** Past every TTL of the tests. */
const EXPIRED_MS = 200 * LONG_MS;

/** Creates one job per state, with the state as its id. Returns the time of the last write. */
async function createJobInEachState(store: ProgressStore): Promise<number> {
  await store.create(draft("queued"));
  await store.create(draft("ended"));
  await store.write("ended", completion());
  return createLeasedJob(store, "running", { deadlineMs: LONG_MS });
}

const STATES = ["queued", "running", "ended"];

export const REMOVE: CaseGroup = {
  group: "remove",
  cases: [
    {
      name: "given a job that is queued, running or ended, removes it now and returns true",
      async run({ open }) {
        const store = await open();
        await createJobInEachState(store);
        for (const id of STATES) {
          const { cursor } = await readJob(store, id);
          assertEqual(await store.remove(id), true, `the result of remove() of a ${id} job`);
          for (const after of [undefined, cursor])
            assertTrue(await isRemoved(store, id, after), `The ${id} job is not removed.`);
        }
      },
    },
    {
      name: "given an unknown job, returns false, and the job stays unknown",
      async run({ open }) {
        const store = await open();
        for (const id of ["a", "__proto__"]) {
          assertEqual(await store.remove(id), false, "the result of remove()");
          assertEqual(await store.read(id), undefined, "the unknown job");
          const write = store.write(id, change({ message: "one" }));
          await assertRejects(write, "job-not-found", "A write to the unknown job");
        }
      },
    },
    {
      name: "given a removed job, returns false, and the job stays removed",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.remove("a");
        for (const _ of range(2)) {
          assertEqual(await store.remove("a"), false, "the result of the next remove()");
          assertTrue(await isRemoved(store, "a"), "The job is not removed any more.");
        }
      },
    },
    {
      name: "given a removed job, remembers its id",
      needs: "tombstones",
      async run({ open }) {
        const store = await open();
        await createJobInEachState(store);
        for (const id of STATES) {
          const { cursor } = await readJob(store, id);
          await store.remove(id);
          await assertRejects(store.read(id), "job-expired", "A read of a removed job");
          await assertRejects(store.read(id, cursor), "job-expired", "A read after a cursor");
          const write = store.write(id, change({ message: "late" }));
          await assertRejects(write, "job-expired", "A write to a removed job");
        }
      },
    },
    {
      name: "given the key of a removed job, stores a new job",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { key: "order 7" }));
        await store.remove("a");
        const { jobId, created } = await store.create(draft("b", { key: "order 7" }));
        assertEqual([jobId, created], ["b", true], "the result of create()");
        const again = await store.create(draft("c", { key: "order 7" }));
        assertEqual([again.jobId, again.created], ["b", false], "the next result of create()");
      },
    },
    {
      name: "given the id of a removed job, stores a new one without any field or line of the old one",
      async run({ open }) {
        const store = await open({ maxLogLines: 5 });
        const old = await store.create(draft("a", { key: "order 7" }));
        const lines = range(8).map((by) => line(`old ${by}`));
        await store.write("a", change({ "metadata.old": true }, { log: lines }));
        await store.write("a", completion("old"));
        await store.remove("a");
        const { cursor, created } = await store.create(draft("a", { key: "order 7" }));
        assertEqual(created, true, "created, as create() returned it");
        assertTrue(
          cursorParts(cursor).epoch !== cursorParts(old.cursor).epoch,
          "The new job has the epoch of the old one.",
        );
        const snapshot = await readJob(store, "a");
        const { createdAt: _, updatedAt: __, ...fields } = snapshot.set;
        assertEqual([fields, snapshot.log, snapshot.done], [QUEUED, [], false], "the new job");
        assertEqual(await readJob(store, "a", old.cursor), snapshot, "the delta of an old reader");
        await store.write("a", change({}, { log: [line("new")] }));
        const { log } = await readJob(store, "a", cursor);
        assertEqual(
          log.map(({ n, text }) => [n, text]),
          [[1, "new"]],
          "number and text of the lines",
        );
      },
    },
    {
      name: "given a watched job, wakes its watchers without a version",
      async run({ open, waker }) {
        const store = await open();
        await createJobInEachState(store);
        for (const id of STATES) {
          const { wake, wakeAfter } = waker();
          await store.watch({ jobId: id }, wake);
          await store.remove(id);
          await wakeAfter(0, (version) => version === undefined);
        }
      },
    },
    {
      name: "given a watched job, it is removed when its watchers are woken",
      async run({ open, waker }) {
        const store = await open();
        await store.create(draft("a"));
        const { wake, wakeAfter } = waker();
        await store.watch({ jobId: "a" }, () => {
          // A wake may come without a change. It counts if the job is removed.
          isRemoved(store, "a").then((removed) => removed && wake(), String);
        });
        await store.remove("a");
        await wakeAfter(0);
      },
    },
    {
      name: "given other jobs, does not change them",
      async run({ open }) {
        const store = await open();
        const others = ["A", "a-", "a_1", "ab"];
        for (const id of ["a", ...others]) {
          await store.create(draft(id, { key: `key of ${id}` }));
          await store.write(id, change({ message: id }, { log: [line(id)] }));
        }
        const before = await Promise.all(others.map((id) => readJob(store, id)));
        await store.remove("a");
        const after = await Promise.all(others.map((id) => readJob(store, id)));
        assertEqual(after, before, "the other jobs");
        const { jobId } = await store.create(draft("new", { key: "key of A" }));
        assertEqual(jobId, "A", "the job of another job's key");
      },
    },
    {
      name: "given removed jobs, a sweep finds nothing to do for them",
      async run({ open }) {
        const store = await open();
        const since = await createJobInEachState(store);
        for (const id of STATES) await store.remove(id);
        const report = await store.sweep(since + EXPIRED_MS, 10);
        assertEqual(report, NOTHING_SWEPT, "the sweep's report");
      },
    },
    {
      name: "given a job that is created again, it has neither the lease nor the deadline of the removed one",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a", { deadlineMs: LONG_MS });
        await store.remove("a");
        await store.create(draft("a"));
        const before = await readJob(store, "a");
        const report = await store.sweep(since + LOST_MS, 10);
        assertEqual(report, NOTHING_SWEPT, "the sweep's report");
        assertEqual(await readJob(store, "a"), before, "the new job");
      },
    },
    {
      name: "given concurrent writes, accepts each before the removal or refuses it after, and the job is removed",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const write = (percent: number) => store.write("a", change({ percent }));
        const begun = range(10).map(write);
        const removed = store.remove("a");
        const [{ rejected }] = await Promise.all([
          outcomesOf([...begun, ...range(10).map(write)]),
          removed,
        ]);
        assertEqual(await removed, true, "the result of remove()");
        for (const reason of rejected)
          await assertRejects(
            Promise.reject(reason),
            ["job-expired", "job-not-found"],
            "A write after the removal",
          );
        assertTrue(await isRemoved(store, "a"), "A write has restored the removed job.");
      },
    },
  ],
};
