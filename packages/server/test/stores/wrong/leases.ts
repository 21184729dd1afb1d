import { isProgressError } from "@emlinh/progress-protocol";
import type { ProgressStore, SweepReport } from "../../../src/core/store.js";
import { altersReports, fieldsOf, unwritten, type WrongStore, withTimes } from "./wrong-store.js";

async function countEnded(
  right: ProgressStore,
  times: Map<string, number>,
  now: number,
): Promise<number> {
  const due = [...times].filter(([, at]) => at <= now);
  const statuses = await Promise.all(due.map(async ([id]) => (await fieldsOf(right, id)).status));
  return statuses.filter((status) => status === "completed").length;
}

/** A store that ends the jobs whose lease ran out a whole lease ago, if its sweep may. */
function endsOverdueJobs(
  mayEnd: (report: SweepReport) => boolean,
): NonNullable<WrongStore["wrong"]> {
  return withTimes((right, { leases }, clock) => ({
    async sweep(at, limit, onEnd) {
      const now = at ?? clock();
      const report = await right.sweep(now, limit, onEnd);
      const isOverdue = [...leases.values()].some((until) => until + 600_000 <= now);
      if (!isOverdue || !mayEnd(report)) return report;
      const { lost } = await right.sweep(now + 600_000, limit, onEnd);
      return { ...report, stale: Math.max(0, report.stale - lost), lost: report.lost + lost };
    },
  }));
}

/** Wrong attempts, leases and deadlines. */
export const WRONG_LEASES: readonly WrongStore[] = [
  {
    does: "lets two workers begin the same attempt",
    group: "attempt",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, change).catch(async (error: unknown) => {
          const { attempt, ...set } = change.set;
          if (!isProgressError(error, "attempt-superseded") || attempt === undefined) throw error;
          return right.write(id, { ...change, set, hold: undefined });
        }),
    }),
  },
  {
    does: "compares attempts as strings",
    group: "attempt",
    wrong: (right) => ({
      async write(id, change) {
        const current = (await fieldsOf(right, id)).attempt ?? 1;
        const { attempt } = change.set;
        if (attempt === undefined || Number(attempt) > Number(current))
          return right.write(id, change);
        return String(attempt) > String(current) ? unwritten(right, id) : right.write(id, change);
      },
    }),
  },
  {
    does: "renews the lease before it checks the attempt",
    group: "attempt",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, change).catch(async (error: unknown) => {
          if (isProgressError(error, "attempt-superseded") && change.leaseMs !== undefined)
            await right.write(id, { set: {}, log: [], leaseMs: change.leaseMs });
          throw error;
        }),
    }),
  },
  {
    does: "lets the worker of an earlier attempt write",
    group: "attempt",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, change).catch(async (error: unknown) => {
          const isLater = Number((await fieldsOf(right, id)).attempt) > 1;
          if (!isLater || !isProgressError(error, "hold-lost")) throw error;
          return unwritten(right, id);
        }),
    }),
  },
  {
    does: "marks jobs stale a minute early",
    group: "lease",
    wrong: (right, { clock }) => ({
      sweep: (now, limit, onEnd) => right.sweep((now ?? clock()) + 60_000, limit, onEnd),
    }),
  },
  {
    does: "marks jobs stale a millisecond late",
    group: "lease",
    wrong: (right, { clock }) => ({
      sweep: (now, limit, onEnd) => right.sweep((now ?? clock()) - 1, limit, onEnd),
    }),
  },
  {
    does: "ignores leases",
    group: "lease",
    wrong: (right) => ({ write: (id, { leaseMs: _, ...change }) => right.write(id, change) }),
  },
  {
    does: "ends jobs as lost that it never marked stale",
    group: "lease",
    wrong: endsOverdueJobs(() => true),
  },
  {
    does: "ends a job as lost two leases after its last renewal, however late it was marked stale",
    group: "lease",
    wrong: endsOverdueJobs(({ stale }) => stale === 0),
  },
  {
    does: "raises the version at each renewal",
    group: "lease",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(
          id,
          change.leaseMs === undefined
            ? change
            : { ...change, set: { updatedAt: 0, ...change.set } },
        ),
    }),
  },
  {
    does: "does not clear the stale mark at a renewal alone",
    group: "lease",
    wrong: (right) => ({
      async write(id, change) {
        const stale = (await fieldsOf(right, id)).stale === true;
        if (!stale || Object.keys(change.set).length > 0) return right.write(id, change);
        return unwritten(right, id);
      },
    }),
  },
  {
    does: "never shortens a lease",
    group: "lease",
    wrong: (right) => {
      const longest = new Map<string, number>();
      return {
        write(id, change) {
          if (!change.leaseMs) return right.write(id, change);
          const leaseMs = Math.max(longest.get(id) ?? 0, change.leaseMs);
          longest.set(id, leaseMs);
          return right.write(id, { ...change, leaseMs });
        },
      };
    },
  },
  {
    does: "counts every lease from the time of the first",
    group: "lease",
    wrong: (right, { clock }) => {
      const since = clock();
      return {
        write: (id, change) =>
          right.write(
            id,
            change.leaseMs ? { ...change, leaseMs: change.leaseMs - (clock() - since) } : change,
          ),
      };
    },
  },
  {
    does: "renews the lease only by a change that does nothing else",
    group: "lease",
    wrong: (right) => {
      const leased = new Set<string>();
      return {
        write(id, { leaseMs, ...change }) {
          const first = !leased.has(id);
          leased.add(id);
          return right.write(
            id,
            first || Object.keys(change.set).length + change.log.length === 0
              ? { ...change, leaseMs }
              : change,
          );
        },
      };
    },
  },
  {
    does: "renews the lease with any write",
    group: "lease",
    wrong: (right) => {
      const last = new Map<string, number>();
      return {
        write(id, change) {
          const leaseMs = change.leaseMs ?? last.get(id);
          if (leaseMs !== undefined) last.set(id, leaseMs);
          return right.write(id, { ...change, leaseMs });
        },
      };
    },
  },
  {
    does: "does not give up a lease",
    group: "lease",
    wrong: (right) => ({
      write: (id, change) =>
        right.write(id, change.leaseMs === 0 ? { ...change, leaseMs: undefined } : change),
    }),
  },
  {
    does: "reports ended jobs as lost",
    group: "lease",
    wrong: withTimes((right, { leases }, clock) =>
      altersReports(async (report, now) => ({
        ...report,
        lost: report.lost + (await countEnded(right, leases, now)),
      }))(right, { clock }),
    ),
  },
  {
    does: "leases a queued job",
    group: "lease",
    wrong: (right) => ({
      async create(draft) {
        const created = await right.create(draft);
        if (created.created) await right.write(draft.id, { set: {}, log: [], leaseMs: 60_000 });
        return created;
      },
    }),
  },
  {
    does: "ends jobs as timed-out after half the time",
    group: "deadline",
    wrong: (right) => ({
      create: (draft) =>
        right.create({ ...draft, deadlineMs: draft.deadlineMs && draft.deadlineMs / 2 }),
    }),
  },
  {
    does: "ignores deadlines",
    group: "deadline",
    wrong: (right) => ({ create: ({ deadlineMs: _, ...draft }) => right.create(draft) }),
  },
  {
    does: "gives every job a deadline",
    group: "deadline",
    wrong: (right) => ({ create: (draft) => right.create({ deadlineMs: 7_200_000, ...draft }) }),
  },
  {
    does: "reports ended jobs as timed out",
    group: "deadline",
    wrong: withTimes((right, { deadlines }, clock) =>
      altersReports(async (report, now) => ({
        ...report,
        timedOut: report.timedOut + (await countEnded(right, deadlines, now)),
      }))(right, { clock }),
    ),
  },
];
