import type { Fields } from "@emlinh/progress-protocol";

/** What a sweep does to a job. */
export type Fate = "stale" | "lost" | "timed-out" | "expired";

/** The times of a job that decide its {@link Fate}: milliseconds since the epoch, by the store's clock. */
export interface JobTimes {
  /** Whether the job is marked `stale` already. */
  readonly stale: boolean;
  /** Until when the worker's lease holds; `undefined` while nobody holds one. */
  readonly leaseUntil: number | undefined;
  /** The length of that lease: it is ended as `lost` a whole lease after it ran out. */
  readonly leaseMs: number;
  readonly deadlineAt: number | undefined;
  /** The last write, be it only of a lease. */
  readonly writtenAt: number;
  readonly endedAt: number | undefined;
}

/** How long jobs are kept. */
export interface JobTtls {
  /** Milliseconds after the end. */
  readonly ttlMs: number;
  /** Milliseconds after the last write of a job that hasn't ended and of which nobody holds a lease. */
  readonly idleTtlMs: number;
}

/** When the next sweep has something to do for a job; `Infinity` for never. */
export function dueAt(times: JobTimes, ttls: JobTtls): number {
  return Math.min(...duesOf(times, ttls).map(({ at }) => at));
}

/** What a sweep at `now` does to a job: one thing at most. A job whose lease ran out two leases ago is ended at once, without being `stale` first. */
export function fateOf(times: JobTimes, ttls: JobTtls, now: number): Fate | undefined {
  return duesOf(times, ttls).find(({ at }) => at <= now)?.fate;
}

/** The fields that a sweep sets; the store adds `updatedAt`, as to every version. */
export function fieldsOfFate(fate: Exclude<Fate, "expired">, now: number): Fields {
  switch (fate) {
    case "stale":
      return { stale: true };
    case "lost":
      return endedAs(fate, now, "job-lost", "The worker stopped reporting.");
    case "timed-out":
      return endedAs(fate, now, "job-timed-out", "The job did not finish before its deadline.");
  }
}

function endedAs(
  status: "lost" | "timed-out",
  finishedAt: number,
  code: string,
  message: string,
): Fields {
  return { status, finishedAt, stale: false, error: { code, message } };
}

/** In the order of precedence: an end before a mark. */
function duesOf(
  times: JobTimes,
  { ttlMs, idleTtlMs }: JobTtls,
): readonly { readonly fate: Fate; readonly at: number }[] {
  const { stale, leaseUntil, leaseMs, deadlineAt, writtenAt, endedAt } = times;
  if (endedAt !== undefined) return [{ fate: "expired", at: endedAt + ttlMs }];
  return [
    { fate: "timed-out", at: deadlineAt ?? Number.POSITIVE_INFINITY },
    // A leased job is not abandoned, however long its worker is silent: first it is lost, and then it has a TTL.
    leaseUntil === undefined
      ? { fate: "expired", at: writtenAt + idleTtlMs }
      : { fate: "lost", at: leaseUntil + leaseMs },
    {
      fate: "stale",
      at: leaseUntil === undefined || stale ? Number.POSITIVE_INFINITY : leaseUntil,
    },
  ];
}
