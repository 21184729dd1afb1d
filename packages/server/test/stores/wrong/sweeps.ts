import { isProgressError } from "@emlinh/progress-protocol";
import type { SweepReport } from "../../../src/core/store.js";
import { altersReports, fieldsOf, otherWork, type WrongStore, withTimes } from "./wrong-store.js";

function sum(a: SweepReport, b: SweepReport): SweepReport {
  return {
    stale: a.stale + b.stale,
    lost: a.lost + b.lost,
    timedOut: a.timedOut + b.timedOut,
    expired: a.expired + b.expired,
    more: b.more,
  };
}

/** Wrong expiry and wrong sweeps. */
export const WRONG_SWEEPS: readonly WrongStore[] = [
  {
    does: "never removes ended jobs",
    group: "expiry",
    options: (options) => ({ ...options, ttlMs: Number.POSITIVE_INFINITY }),
  },
  {
    does: "never removes idle jobs",
    group: "expiry",
    options: (options) => ({ ...options, idleTtlMs: Number.POSITIVE_INFINITY }),
  },
  {
    does: "removes a job that has just ended",
    group: "expiry",
    options: (options) => ({ ...options, ttlMs: 1 }),
  },
  {
    does: "removes a lost job in the same sweep",
    group: "expiry",
    wrong: (right, { ttlMs, clock }) => ({
      async sweep(at, limit, onEnd) {
        const now = at ?? clock();
        const report = await right.sweep(now, limit, onEnd);
        return report.lost === 0
          ? report
          : sum(report, await right.sweep(now + ttlMs, limit, onEnd));
      },
    }),
  },
  {
    does: "removes leased jobs as idle",
    group: "expiry",
    wrong: withTimes((right, { leases }, clock) => ({
      async sweep(at, limit, onEnd) {
        const now = at ?? clock();
        const report = await right.sweep(now, limit, onEnd);
        return {
          ...report,
          expired:
            report.expired +
            [...leases.values()].filter(
              (until) => until > now && now > 1_700_000_000_000 + 10_000_000,
            ).length,
        };
      },
    })),
  },
  {
    does: "does not tell of the jobs that a sweep ends",
    group: "sweep",
    wrong: (right) => ({ sweep: (now, limit) => right.sweep(now, limit) }),
  },
  {
    does: "tells twice of a job that a sweep ends",
    group: "sweep",
    wrong: (right) => ({
      sweep: (now, limit, onEnd) =>
        right.sweep(now, limit, (end) => {
          onEnd?.(end);
          onEnd?.(end);
        }),
    }),
  },
  {
    does: "does not wake watchers in a sweep",
    group: "expiry",
    wrong: (right) => {
      let sweeping = false;
      return {
        watch: (target, wake) => right.watch(target, (version) => void (sweeping || wake(version))),
        async sweep(now, limit, onEnd) {
          sweeping = true;
          return right.sweep(now, limit, onEnd).finally(() => {
            sweeping = false;
          });
        },
      };
    },
  },
  {
    does: "does not remember removed jobs",
    group: "expiry",
    wrong: (right) => ({
      read: (id, after) =>
        right
          .read(id, after)
          .catch((error: unknown) =>
            isProgressError(error, "job-expired") ? undefined : Promise.reject(error),
          ),
    }),
  },
  {
    does: "never drops a key",
    group: "expiry",
    wrong: (right) => {
      const ids = new Map<string, string>();
      return {
        async create(draft) {
          const known = ids.get(draft.key ?? "");
          if (known !== undefined)
            return {
              jobId: known,
              cursor: (await right.read(known).catch(() => undefined))?.cursor ?? "",
              created: false,
            };
          const created = await right.create(draft);
          if (draft.key !== undefined) ids.set(draft.key, created.jobId);
          return created;
        },
      };
    },
  },
  {
    does: "accepts writes to a removed job",
    group: "expiry",
    wrong: (right) => ({
      write: (id, change) =>
        right
          .write(id, change)
          .catch((error: unknown) =>
            isProgressError(error, "job-expired")
              ? { cursor: "e.1", now: 0 }
              : Promise.reject(error),
          ),
    }),
  },
  {
    does: "does nothing in a sweep without a time",
    group: "sweep",
    wrong: (right) => ({ sweep: (now, limit, onEnd) => right.sweep(now ?? 0, limit, onEnd) }),
  },
  {
    does: "takes a sweep without a time for one in the far future",
    group: "sweep",
    wrong: (right) => ({
      sweep: (now, limit, onEnd) => right.sweep(now ?? Number.MAX_SAFE_INTEGER, limit, onEnd),
    }),
  },
  {
    does: "uses the wall clock in a sweep without a time",
    group: "sweep",
    wrong: (right) => ({
      sweep: (now, limit, onEnd) => right.sweep(now ?? Date.now(), limit, onEnd),
    }),
  },
  {
    does: "always reports that more jobs are due",
    group: "sweep",
    wrong: altersReports((report) => ({ ...report, more: true })),
  },
  {
    does: "never reports that more jobs are due",
    group: "sweep",
    wrong: altersReports((report) => ({ ...report, more: false })),
  },
  {
    does: "ignores the limit of a sweep",
    group: "sweep",
    wrong: (right) => ({ sweep: (now) => right.sweep(now, Number.POSITIVE_INFINITY) }),
  },
  {
    does: "includes earlier sweeps in its report",
    group: "sweep",
    wrong: (right) => {
      let before: SweepReport = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };
      return {
        async sweep(now, limit, onEnd) {
          before = sum(before, await right.sweep(now, limit, onEnd));
          return before;
        },
      };
    },
  },
  {
    does: "returns the same report to two concurrent sweeps",
    group: "sweep",
    wrong: (right) => {
      let running: Promise<SweepReport> | undefined;
      return {
        sweep(now, limit, onEnd) {
          running ??= otherWork()
            .then(() => right.sweep(now, limit, onEnd))
            .finally(() => {
              running = undefined;
            });
          return running;
        },
      };
    },
  },
  {
    does: "selects lost jobs and ends them in two steps",
    group: "sweep",
    wrong: withTimes((right, { leases }, clock) => ({
      async sweep(at, limit, onEnd) {
        const now = at ?? clock();
        const picked: string[] = [];
        for (const [id, until] of leases)
          if (until + 600_000 <= now && (await fieldsOf(right, id)).status === "running")
            picked.push(id);
        await otherWork();
        const report = await right.sweep(now, limit, onEnd);
        return { ...report, lost: Math.max(report.lost, Math.min(limit, picked.length)) };
      },
    })),
  },
];
