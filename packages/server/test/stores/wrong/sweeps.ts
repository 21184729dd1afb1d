import { isProgressError } from "@emlinh/progress-protocol";
import type { SweepReport } from "../../../src/core/store.js";
import { aWhile, fieldsOf, reports, type WrongStore, withTimes } from "./wrong-store.js";

function sum(a: SweepReport, b: SweepReport): SweepReport {
  return {
    stale: a.stale + b.stale,
    lost: a.lost + b.lost,
    timedOut: a.timedOut + b.timedOut,
    expired: a.expired + b.expired,
    more: b.more,
  };
}

/** Wrong about expiry and the sweep. */
export const WRONG_SWEEPS: readonly WrongStore[] = [
  {
    does: "keeps ended jobs for ever",
    group: "expiry",
    options: (options) => ({ ...options, ttlMs: Number.POSITIVE_INFINITY }),
  },
  {
    does: "keeps idle jobs for ever",
    group: "expiry",
    options: (options) => ({ ...options, idleTtlMs: Number.POSITIVE_INFINITY }),
  },
  {
    does: "removes what has just ended",
    group: "expiry",
    options: (options) => ({ ...options, ttlMs: 1 }),
  },
  {
    does: "removes a lost job in the same sweep",
    group: "expiry",
    wrong: (right, { ttlMs, clock }) => ({
      async sweep(at, limit) {
        const now = at ?? clock();
        const report = await right.sweep(now, limit);
        return report.lost === 0 ? report : sum(report, await right.sweep(now + ttlMs, limit));
      },
    }),
  },
  {
    does: "takes leased jobs for idle",
    group: "expiry",
    wrong: withTimes((right, { leases }, clock) => ({
      async sweep(at, limit) {
        const now = at ?? clock();
        const report = await right.sweep(now, limit);
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
    does: "removes and ends without waking",
    group: "expiry",
    wrong: (right) => {
      let sweeping = false;
      return {
        watch: (id, wake) => right.watch(id, (version) => void (sweeping || wake(version))),
        async sweep(now, limit) {
          sweeping = true;
          return right.sweep(now, limit).finally(() => {
            sweeping = false;
          });
        },
      };
    },
  },
  {
    does: "forgets removed jobs",
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
    does: "keeps keys for ever",
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
    does: "lets a removed job be written to",
    group: "expiry",
    wrong: (right) => ({
      write: (id, change) =>
        right
          .write(id, change)
          .catch((error: unknown) =>
            isProgressError(error, "job-expired") ? "e.1" : Promise.reject(error),
          ),
    }),
  },
  {
    does: "does nothing when it is told no time",
    group: "sweep",
    wrong: (right) => ({ sweep: (now, limit) => right.sweep(now ?? 0, limit) }),
  },
  {
    does: "takes no time for the end of time",
    group: "sweep",
    wrong: (right) => ({
      sweep: (now, limit) => right.sweep(now ?? Number.MAX_SAFE_INTEGER, limit),
    }),
  },
  {
    does: "looks at the wall clock when it is told no time",
    group: "sweep",
    wrong: (right) => ({ sweep: (now, limit) => right.sweep(now ?? Date.now(), limit) }),
  },
  {
    does: "says each time that there is more",
    group: "sweep",
    wrong: reports((report) => ({ ...report, more: true })),
  },
  {
    does: "never says that there is more",
    group: "sweep",
    wrong: reports((report) => ({ ...report, more: false })),
  },
  {
    does: "knows no limit",
    group: "sweep",
    wrong: (right) => ({ sweep: (now) => right.sweep(now, Number.POSITIVE_INFINITY) }),
  },
  {
    does: "reports what it did before",
    group: "sweep",
    wrong: (right) => {
      let before: SweepReport = { stale: 0, lost: 0, timedOut: 0, expired: 0, more: false };
      return {
        async sweep(now, limit) {
          before = sum(before, await right.sweep(now, limit));
          return before;
        },
      };
    },
  },
  {
    does: "reports one sweep to two that overlap",
    group: "sweep",
    wrong: (right) => {
      let running: Promise<SweepReport> | undefined;
      return {
        sweep(now, limit) {
          running ??= aWhile()
            .then(() => right.sweep(now, limit))
            .finally(() => {
              running = undefined;
            });
          return running;
        },
      };
    },
  },
  {
    does: "picks what is lost, and ends it in a second step",
    group: "sweep",
    wrong: withTimes((right, { leases }, clock) => ({
      async sweep(at, limit) {
        const now = at ?? clock();
        const picked: string[] = [];
        for (const [id, until] of leases)
          if (until + 600_000 <= now && (await fieldsOf(right, id)).status === "running")
            picked.push(id);
        await aWhile();
        const report = await right.sweep(now, limit);
        return { ...report, lost: Math.max(report.lost, Math.min(limit, picked.length)) };
      },
    })),
  },
];
