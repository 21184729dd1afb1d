import { refused, same } from "../assert.js";
import type { CaseGroup } from "../case.js";
import {
  change,
  completion,
  draft,
  fieldsIn,
  LONG_MS,
  leasedJob,
  line,
  readJob,
  renewal,
  SLACK_MS,
  settle,
  upTo,
} from "../given.js";

export const ATTEMPT: CaseGroup = {
  group: "attempt",
  cases: [
    {
      name: "given the next attempt, refuses the writes of the one before and changes nothing",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ status: "running" }, { attempt: 1 }));
        await store.write("a", change({ attempt: 2 }, { attempt: 1 }));
        const before = await readJob(store, "a");
        const late = [
          change({ message: "late" }, { attempt: 1 }),
          change({}, { attempt: 1, log: [line("late")] }),
          { ...completion(), attempt: 1 },
          renewal(1000, 1),
        ];
        for (const each of late)
          await refused(
            store.write("a", each),
            "attempt-superseded",
            "A write of the earlier attempt",
          );
        same(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given the next attempt, an earlier worker's heartbeat doesn't renew the lease",
      async run({ open }) {
        const store = await open();
        const since = await leasedJob(store, "a");
        await store.write("a", change({ attempt: 2 }, { attempt: 1 }));
        await refused(
          store.write("a", renewal(100 * LONG_MS, 1)),
          "attempt-superseded",
          "The earlier worker's renewal",
        );
        same((await store.sweep(since + LONG_MS + SLACK_MS, 10)).stale, 1, "jobs marked stale");
      },
    },
    {
      name: "given the job's own attempt, or none, takes the write",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        await store.write("a", change({ attempt: 2, percent: null }, { attempt: 2 }));
        await store.write("a", change({ percent: 1 }, { attempt: 2 }));
        await store.write("a", change({ cancelRequested: true }));
        const { attempt, percent, cancelRequested } = await fieldsIn(store, "a");
        same([attempt, percent, cancelRequested], [2, 1, true], "the fields");
      },
    },
    {
      name: "given twenty workers that begin the next attempt at once, takes one",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        const begin = upTo(20).map(async (by) => {
          await store.write(
            "a",
            change({ attempt: 2, message: `worker ${by}` }, { attempt: by % 2 === 0 ? 1 : 2 }),
          );
          return `worker ${by}`;
        });
        const { fulfilled, rejected } = await settle(begin);
        same([fulfilled.length, rejected.length], [1, 19], "workers taken and refused");
        for (const reason of rejected)
          await refused(Promise.reject(reason), "attempt-superseded", "A second worker");
        same((await fieldsIn(store, "a")).message, fulfilled[0], "the worker that is on the job");
      },
    },
    {
      name: "given an attempt that isn't above the job's, refuses to begin it",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a", { set: { kind: "video", status: "queued", attempt: 3 } }));
        const before = await readJob(store, "a");
        for (const attempt of [1, 2, 3])
          await refused(
            store.write("a", change({ attempt })),
            "attempt-superseded",
            `Beginning attempt ${attempt} of 3`,
          );
        same(await readJob(store, "a"), before, "the job");
      },
    },
    {
      name: "given ten attempts and more, compares them as numbers",
      async run({ open }) {
        const store = await open();
        await store.create(draft("a"));
        for (const by of upTo(9)) await store.write("a", change({ attempt: by + 2 }));
        await store.write("a", change({ percent: 1 }, { attempt: 10 }));
        await refused(
          store.write("a", change({ percent: 2 }, { attempt: 9 })),
          "attempt-superseded",
          "A write of attempt 9 of 10",
        );
        same((await fieldsIn(store, "a")).attempt, 10, "the attempt");
      },
    },
  ],
};
