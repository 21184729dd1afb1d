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

/** The numbers of the log lines of a job that were delivered, and how often its end was. */
interface Delivered {
  readonly lines: number[];
  ends: number;
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
  /** By job. A reader without cursors gets some of it again. */
  readonly delivered: ReadonlyMap<string, Delivered>;
}

/** All that the events say, as an observer keeps it. */
interface Known {
  /** The jobs that the reader asks for by name. */
  readonly named: readonly string[];
  readonly replicas: Map<string, Replica>;
  readonly refused: Map<string, Refused>;
  readonly delivered: Map<string, Delivered>;
  listed: Listed | undefined;
}

/** @param named - The jobs that the reader asks for by name. @param subject - The subject whose list it follows. */
export function createObserver(named: readonly string[], subject: string): Observer {
  const known: Known = {
    named,
    replicas: new Map(),
    refused: new Map(),
    delivered: new Map(),
    listed: undefined,
  };
  const names: string[] = [];
  const faults: string[] = [];
  return {
    names,
    faults,
    delivered: known.delivered,
    take({ event, data, id }) {
      const value = JSON.parse(data) as { readonly job?: string };
      names.push(value.job === undefined ? event : `${event} ${value.job}`);
      const isRight = TAKERS[event]?.(known, value) ?? true;
      if (!isRight || id) faults.push(JSON.stringify({ event, data, id }));
    },
    view: () => viewOf(known),
    query: () => queryOf(known, subject),
  };
}

/** By event. Each returns whether the event is as the protocol says. */
const TAKERS: { readonly [event: string]: (known: Known, data: unknown) => boolean } = {
  listed: takeListed,
  refused: takeRefused,
  snapshot: takeDelta,
  progress: takeDelta,
  log: takeDelta,
  end: takeDelta,
};

function takeDelta(known: Known, data: unknown): boolean {
  const decoded = decodeJobDelta(data);
  if (decoded === undefined || !isWanted(known, decoded.job)) return false;
  const { job, delta } = decoded;
  const count = known.delivered.get(job) ?? { lines: [], ends: 0 };
  known.delivered.set(job, count);
  count.lines.push(...delta.log.map(({ n }) => n));
  if (delta.done) count.ends += 1;
  const replica = known.replicas.get(job) ?? emptyReplica();
  known.replicas.set(job, replica);
  return applyDelta(replica, delta) !== "unknown-epoch";
}

function takeListed(known: Known, data: unknown): boolean {
  known.listed = decodeListed(data);
  dropUnwanted(known);
  return known.listed !== undefined;
}

function takeRefused(known: Known, data: unknown): boolean {
  const refusal = decodeRefused(data);
  if (refusal?.job === undefined) return false;
  known.refused.set(refusal.job, refusal);
  dropUnwanted(known);
  return true;
}

function isWanted({ named, refused, listed }: Known, jobId: string): boolean {
  return (named.includes(jobId) && !refused.has(jobId)) || !!listed?.jobs.includes(jobId);
}

function dropUnwanted(known: Known): void {
  const { replicas } = known;
  for (const jobId of replicas.keys()) if (!isWanted(known, jobId)) replicas.delete(jobId);
}

function queryOf({ named, listed, replicas }: Known, subject: string): string {
  const target = (jobId: string) => printTarget(jobId, replicas.get(jobId)?.cursor);
  const query = new URLSearchParams(named.map((jobId) => ["job", target(jobId)]));
  query.append("subject", subject);
  for (const jobId of listed?.jobs ?? [])
    if (replicas.has(jobId)) query.append("after", target(jobId));
  if (listed !== undefined) query.append("seen", listed.tag);
  return `${query}`;
}

function viewOf({ listed, refused, replicas }: Known): View {
  return {
    listed: listed?.jobs,
    refused: Object.fromEntries([...refused].map(([jobId, { code }]) => [jobId, code])),
    jobs: Object.fromEntries(
      [...replicas].map(([jobId, replica]) => [jobId, seenJob(jobId, replica)]),
    ),
  };
}

function seenJob(jobId: string, replica: Replica): SeenJob {
  const { etaMs: _, ...state } = stateOf(jobId, replicaFields(replica), 0);
  return { ...state, cursor: replica.cursor, log: replica.log };
}
