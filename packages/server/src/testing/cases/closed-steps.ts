import type { Delta, Fields, Json, TerminalStatus } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../core/store.js";
import { assertEqual, assertTrue } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  createLeasedJob,
  draft,
  heldBy,
  LONG_MS,
  LOST_MS,
  readFields,
  readJob,
  STALE_MS,
  sweepUntilLost,
  TERMINAL_STATUSES,
  versionOf,
  writeJob,
} from "../fixtures.js";

const RUNNING: Json = { status: "running", percent: 40, done: 4, total: 10, startedAt: 7 };

/** Texts that a search for the status of a running step would find. */
const MISLEADING: Fields = {
  message: '{"status":"running"}',
  "metadata.a": { status: "running" },
  "metadata.steps": { s: { status: "running" } },
  "steps.completed": { status: "completed", percent: 100, message: '"status":"running"' },
  "steps.nested": { status: "pending", percent: 0, extra: { status: "running" } },
  "steps.listed": [{ status: "running" }],
  "steps.text": "running",
  "steps.none": null,
};

function statusOfSteps(status: TerminalStatus): string {
  return status === "completed" ? "completed" : "failed";
}

/** Writes an end and returns its delta. Fails the test unless the end is one version. */
async function writeEnd(store: ProgressStore, id: string, set: Fields): Promise<Delta> {
  const { cursor } = await readJob(store, id);
  const end = await writeJob(store, id, change(set));
  const delta = await readJob(store, id, cursor);
  assertEqual([delta.cursor, versionOf(end)], [end, versionOf(cursor) + 1], "the end's version");
  return delta;
}

export const CLOSED_STEPS: CaseGroup = {
  group: "closed steps",
  cases: [
    {
      name: "given any terminal status, closes the running steps in the same version",
      async run({ open }) {
        const store = await open();
        for (const status of TERMINAL_STATUSES) {
          await store.create(draft(status));
          await store.write(status, change({ "steps.s": RUNNING, "steps.t": RUNNING }));
          const { set } = await writeEnd(store, status, { status });
          const finishedAt = set.updatedAt ?? null;
          const closed = { ...(RUNNING as object), status: statusOfSteps(status), finishedAt };
          assertEqual(
            set,
            { status, "steps.s": closed, "steps.t": closed, updatedAt: finishedAt, finishedAt },
            `the fields that the end as "${status}" sets`,
          );
          const { "steps.s": s, "steps.t": t } = await readFields(store, status);
          assertEqual([s, t], [closed, closed], `the steps of the job that is ${status}`);
        }
      },
    },
    {
      name: "given an injected clock, sets finishedAt to the time of the end",
      needs: "injected clock",
      async run({ open, clock }) {
        const store = await open();
        const since = await createLeasedJob(store, "lost");
        await store.write("lost", change({ "steps.s": RUNNING }, { hold: heldBy("lost", 2) }));
        await store.create(draft("a"));
        await store.write("a", change({ "steps.s": RUNNING }));
        clock.advance(1234);
        await store.write("a", completion());
        await sweepUntilLost(store, since);
        const finishedAt = async (id: string) =>
          ((await readFields(store, id))["steps.s"] as { finishedAt?: Json }).finishedAt ?? null;
        assertEqual(
          [await finishedAt("a"), await finishedAt("lost")],
          [clock.now(), since + LOST_MS],
          "finishedAt of the steps that a write and a sweep closed",
        );
      },
    },
    {
      name: "given steps that are not running, does not change them",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const steps: Fields = {
          "steps.pending": { status: "pending", percent: 0 },
          "steps.completed": { status: "completed", percent: 100, finishedAt: 3 },
          "steps.failed": { status: "failed", percent: 50, message: "out of disk space" },
        };
        await store.write("a", change(steps));
        const { set } = await writeEnd(store, "a", { status: "failed" });
        assertEqual(
          Object.keys(set).sort(),
          ["finishedAt", "status", "updatedAt"],
          "the fields that it sets",
        );
        const fields = await readFields(store, "a");
        assertEqual({ ...fields, ...steps }, fields, "the steps");
      },
    },
    {
      name: 'given values that only contain the text "status":"running", does not change them',
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change(MISLEADING));
        const { set } = await writeEnd(store, "a", { status: "completed" });
        assertEqual(
          Object.keys(set).sort(),
          ["finishedAt", "status", "updatedAt"],
          "the fields that it sets",
        );
        const fields = await readFields(store, "a");
        assertEqual({ ...fields, ...MISLEADING }, fields, "the fields that it does not set");
      },
    },
    {
      name: "given a running step with any other members, keeps them",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const step = {
          percent: 1 / 3,
          unit: "\ud83d\ude00 \u2028 \u0000",
          message: 'is "status":"running"',
          empty: [[], {}, null],
          extra: { status: "running" },
          startedAt: 1_700_000_000_123,
          finishedAt: 1,
        };
        const names = ["steps.s", "steps.constructor", "steps.0", `steps.${"x".repeat(64)}`];
        const running = { ...step, status: "running" };
        await store.write("a", change(Object.fromEntries(names.map((name) => [name, running]))));
        const { set } = await writeEnd(store, "a", { status: "cancelled" });
        const closed = { ...step, status: "failed", finishedAt: set.updatedAt };
        for (const name of names) assertEqual(set[name], closed, `the field "${name}"`);
      },
    },
    {
      name: "given an end that sets steps itself, keeps those that it closes and closes those that it starts",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ "steps.s": RUNNING, "steps.t": RUNNING }));
        const own = { status: "failed", percent: 41, message: "out of disk space" };
        const { set } = await writeEnd(store, "a", {
          status: "completed",
          "steps.s": own,
          "steps.u": { status: "running", percent: 5 },
        });
        const finishedAt = set.updatedAt ?? null;
        assertEqual(
          [set["steps.s"], set["steps.t"], set["steps.u"]],
          [
            own,
            { ...(RUNNING as object), status: "completed", finishedAt },
            { status: "completed", percent: 5, finishedAt },
          ],
          "the steps",
        );
      },
    },
    {
      name: "given an end by the sweep, closes the running steps as failed in the same version",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "lost");
        await createLeasedJob(store, "timed-out", { deadlineMs: 1.5 * LONG_MS });
        const ids = ["lost", "timed-out"];
        for (const id of ids)
          await store.write(
            id,
            change(
              { ...MISLEADING, "steps.s": RUNNING, "steps.t": RUNNING },
              { leaseMs: LONG_MS, hold: heldBy(id, 2) },
            ),
          );
        await store.sweep(since + STALE_MS, 10);
        const cursors = await Promise.all(ids.map(async (id) => (await readJob(store, id)).cursor));
        await store.sweep(since + LOST_MS, 10);
        for (const [index, id] of ids.entries()) {
          const before = cursors[index] ?? "";
          const { cursor, set } = await readJob(store, id, before);
          assertEqual(versionOf(cursor), versionOf(before) + 1, "the version of the end");
          const closed = { ...(RUNNING as object), status: "failed", finishedAt: set.finishedAt };
          assertEqual([set.status, set["steps.s"], set["steps.t"]], [id, closed, closed], id);
          assertEqual(set.finishedAt, set.updatedAt, "finishedAt of the job");
          const others = Object.keys(set).filter((field) => field in MISLEADING);
          assertEqual(others, [], "other fields that the end sets");
        }
      },
    },
    {
      name: "given a job that has not ended, closes no step",
      async run({ open }) {
        const store = await open();
        const since = await createLeasedJob(store, "a");
        await store.write("a", change({ "steps.s": RUNNING }, { hold: heldBy("a", 2) }));
        await store.write("a", change({ attempt: 2, status: "queued", cancelRequested: true }));
        await store.write("a", change({ status: "running", finishedAt: 5 }));
        assertEqual((await store.sweep(since + STALE_MS, 10)).stale, 1, "jobs marked stale");
        assertEqual((await readFields(store, "a"))["steps.s"], RUNNING, "the step");
      },
    },
    {
      name: "given running steps of other jobs, does not change them",
      async run({ open }) {
        const store = await open();
        const others = ["A", "a-", "ab", "b"];
        for (const id of ["a", ...others]) {
          await store.create(draft(id));
          await store.write(id, change({ "steps.s": RUNNING }));
        }
        const before = await Promise.all(others.map((id) => readJob(store, id)));
        await store.write("a", completion());
        const after = await Promise.all(others.map((id) => readJob(store, id)));
        assertEqual(after, before, "the other jobs");
      },
    },
    {
      name: "given an end that is refused, changes no step",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ attempt: 2, "steps.s": RUNNING }));
        const before = await readJob(store, "a");
        const late = await store.write("a", { ...completion(), hold: heldBy("a", 2) }).then(
          () => false,
          () => true,
        );
        assertTrue(late, "The end of a worker that does not hold the job was accepted.");
        assertEqual(await readJob(store, "a"), before, "the job");
      },
    },
  ],
};
