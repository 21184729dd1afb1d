import {
  applyDelta,
  decodeJobDelta,
  decodeListed,
  decodeRefused,
  emptyReplica,
  type JobState,
  type Listed,
  type LogLine,
  printTarget,
  type Refused,
  type Replica,
  replicaFields,
  stateOf,
} from "@emlinh/progress-protocol";
import type { SseEvent } from "./sse-client.js";

/** A job as a reader knows it. The ETA is left out, because it depends on the time. */
export type SeenJob = Omit<JobState, "etaMs"> & {
  readonly cursor: string;
  readonly log: readonly LogLine[];
};

/** All that a reader knows. */
export interface View {
  /** The ids of the list, in its order. */
  readonly listed: readonly string[] | undefined;
  readonly refused: { readonly [jobId: string]: string };
  readonly jobs: { readonly [jobId: string]: SeenJob };
}

/** Makes a state of the events of a stream of many jobs, as docs/PROTOCOL.md says that a reader does. */
export interface Observer {
  take(event: SseEvent): void;
  view(): View;
  /** The query of the next request: with the cursors that this reader has. */
  query(): string;
  /** The events of all connections: the name, and the job if there is one. */
  readonly names: readonly string[];
  /** Each violation of the protocol. */
  readonly faults: string[];
  /** The numbers of the delivered log lines, and of the ends, by job. A reader without cursors gets some again. */
  readonly delivered: ReadonlyMap<string, { readonly lines: number[]; ends: number }>;
}

/** @param named - The jobs that the reader asks for by name. @param subject - The subject whose list it follows. */
export function createObserver(named: readonly string[], subject: string): Observer {
  const replicas = new Map<string, Replica>();
  const refused = new Map<string, Refused>();
  const delivered: Map<string, { lines: number[]; ends: number }> = new Map();
  const names: string[] = [];
  const faults: string[] = [];
  let listed: Listed | undefined;

  const isWanted = (jobId: string): boolean =>
    (named.includes(jobId) && !refused.has(jobId)) || !!listed?.jobs.includes(jobId);

  function dropUnwanted(): void {
    for (const jobId of replicas.keys()) if (!isWanted(jobId)) replicas.delete(jobId);
  }

  function takeDelta(data: unknown): boolean {
    const decoded = decodeJobDelta(data);
    if (decoded === undefined || !isWanted(decoded.job)) return false;
    const { job, delta } = decoded;
    const count = delivered.get(job) ?? { lines: [], ends: 0 };
    delivered.set(job, count);
    count.lines.push(...delta.log.map(({ n }) => n));
    if (delta.done) count.ends += 1;
    const replica = replicas.get(job) ?? emptyReplica();
    replicas.set(job, replica);
    return applyDelta(replica, delta) !== "unknown-epoch";
  }

  function takeListed(data: unknown): boolean {
    listed = decodeListed(data);
    dropUnwanted();
    return listed?.subject === subject;
  }

  function takeRefused(data: unknown): boolean {
    const refusal = decodeRefused(data);
    if (refusal?.job === undefined) return false;
    refused.set(refusal.job, refusal);
    dropUnwanted();
    return true;
  }

  const takers: { readonly [event: string]: (data: unknown) => boolean } = {
    listed: takeListed,
    refused: takeRefused,
    snapshot: takeDelta,
    progress: takeDelta,
    log: takeDelta,
    end: takeDelta,
  };

  return {
    names,
    faults,
    delivered,
    take({ event, data, id }) {
      const value = JSON.parse(data) as { readonly job?: string };
      names.push(value.job === undefined ? event : `${event} ${value.job}`);
      const isRight = takers[event]?.(value) ?? true;
      if (!isRight || id) faults.push(JSON.stringify({ event, data, id }));
    },
    view: () => ({
      listed: listed?.jobs,
      refused: Object.fromEntries([...refused].map(([jobId, { code }]) => [jobId, code])),
      jobs: Object.fromEntries(
        [...replicas].map(([jobId, replica]) => [jobId, seenJob(jobId, replica)]),
      ),
    }),
    query() {
      const query = new URLSearchParams(named.map((jobId) => ["job", target(jobId)]));
      query.append("subject", subject);
      for (const jobId of listed?.jobs ?? [])
        if (replicas.has(jobId)) query.append("after", target(jobId));
      if (listed !== undefined) query.append("seen", listed.tag);
      return `${query}`;
    },
  };

  function target(jobId: string): string {
    return printTarget(jobId, replicas.get(jobId)?.cursor);
  }
}

function seenJob(jobId: string, replica: Replica): SeenJob {
  const { etaMs: _, ...state } = stateOf(jobId, replicaFields(replica), 0);
  return { ...state, cursor: replica.cursor, log: replica.log };
}
