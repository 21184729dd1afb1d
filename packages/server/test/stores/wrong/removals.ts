import { type LogLine, ProgressError } from "@emlinh/progress-protocol";
import type { Wake } from "../../../src/core/store.js";
import {
  altersReports,
  fieldsOf,
  keyOf,
  otherWork,
  versionOf,
  type WrongStore,
  withTimes,
} from "./wrong-store.js";

/** Wrong removals. */
export const WRONG_REMOVALS: readonly WrongStore[] = [
  {
    does: "removes nothing",
    group: "remove",
    wrong: (right) => ({ remove: async (id) => (await versionOf(right, id)) > 0 }),
  },
  {
    does: "removes only ended jobs",
    group: "remove",
    wrong: (right) => ({
      remove: async (id) =>
        (await fieldsOf(right, id)).status === "completed" ? right.remove(id) : false,
    }),
  },
  {
    does: "returns true from each removal",
    group: "remove",
    wrong: (right) => ({
      async remove(id) {
        await right.remove(id);
        return true;
      },
    }),
  },
  {
    does: "returns false from each removal",
    group: "remove",
    wrong: (right) => ({
      async remove(id) {
        await right.remove(id);
        return false;
      },
    }),
  },
  {
    does: "throws at the removal of an unknown job",
    group: "remove",
    otherGroups: ["shared", "durable", "emptied"],
    wrong: (right) => ({
      async remove(id) {
        if (await right.remove(id)) return true;
        throw new Error("There is no such job.");
      },
    }),
  },
  {
    does: "remembers an unknown job as removed",
    group: "remove",
    wrong: (right) => {
      const removed = new Set<string>();
      return {
        async remove(id) {
          removed.add(id);
          return right.remove(id);
        },
        async read(id, after) {
          const delta = await right.read(id, after);
          if (delta === undefined && removed.has(id))
            throw new ProgressError("job-expired", { message: "Removed." });
          return delta;
        },
      };
    },
  },
  {
    does: "removes the jobs whose ids begin the same",
    group: "remove",
    wrong: (right) => {
      const ids = new Set<string>();
      return {
        create(draft) {
          ids.add(draft.id);
          return right.create(draft);
        },
        async remove(id) {
          const removed = await right.remove(id);
          for (const other of ids) if (other.startsWith(id)) await right.remove(other);
          return removed;
        },
      };
    },
  },
  {
    does: "keeps the log of a removed job",
    group: "remove",
    wrong: (right) => {
      const logs = new Map<string, readonly LogLine[]>();
      return {
        async remove(id) {
          const delta = await right.read(id).catch(() => undefined);
          if (delta !== undefined) logs.set(id, delta.log);
          return right.remove(id);
        },
        async read(id, after) {
          const delta = await right.read(id, after);
          return delta && { ...delta, log: [...(logs.get(id) ?? []), ...delta.log] };
        },
      };
    },
  },
  {
    does: "does not wake watchers at a removal",
    group: "remove",
    wrong: (right) => {
      let removing = false;
      return {
        watch: (target, wake) => right.watch(target, (version) => void (removing || wake(version))),
        async remove(id) {
          removing = true;
          return right.remove(id).finally(() => {
            removing = false;
          });
        },
      };
    },
  },
  {
    does: "wakes watchers before it removes a job",
    group: "remove",
    wrong: (right) => {
      const all = new Map<string, Set<Wake>>();
      return {
        async watch(target, wake) {
          const own = all.get(keyOf(target)) ?? new Set();
          all.set(keyOf(target), own.add(wake));
          return async () => void own.delete(wake);
        },
        async remove(id) {
          for (const wake of all.get(keyOf({ jobId: id })) ?? []) wake();
          await otherWork();
          return right.remove(id);
        },
      };
    },
  },
  {
    does: "reports removed jobs as expired in the next sweep",
    group: "remove",
    wrong: (right, options) => {
      let removed = 0;
      return {
        async remove(id) {
          const isKnown = await right.remove(id);
          if (isKnown) removed += 1;
          return isKnown;
        },
        ...altersReports((report) => {
          const expired = report.expired + removed;
          removed = 0;
          return { ...report, expired };
        })(right, options),
      };
    },
  },
  {
    does: "gives the lease of a removed job to the next one",
    group: "remove",
    wrong: withTimes((right, { leases }, clock) => ({
      async create(draft) {
        const created = await right.create(draft);
        const until = leases.get(draft.id);
        if (until !== undefined && created.created)
          await right.write(draft.id, { set: {}, log: [], leaseMs: until - clock() });
        return created;
      },
    })),
  },
];
