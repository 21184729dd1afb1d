import {
  applyDelta,
  type Delta,
  emptyReplica,
  type Listed,
  parseCursor,
  printTarget,
  type Replica,
} from "@emlinh/progress-protocol";
import type { Progress } from "../../../../src/index.js";
import { type FakeSink, fakeSink, openMany } from "../../streams.js";

/** A client that watches the list of one subject, and moves with its cursors from process to process. */
export interface ListReader {
  /** The memberships that it was sent, each as its ids with spaces between them. */
  readonly memberships: string[];
  /** The jobs whose state went back to an older version. */
  readonly wentBack: string[];
  /** The versions of the jobs in its list, by id. A job that it has nothing of has version 0. */
  versions(): Record<string, number>;
  /** Leaves its stream, and opens one at another process. @throws if that refuses the request. */
  moveTo(progress: Progress): Promise<FakeSink>;
  leave(): void;
  isConnected(): boolean;
}

export function listReader(subject: string, limit = 50): ListReader {
  const memberships: string[] = [];
  const wentBack: string[] = [];
  const replicas = new Map<string, Replica>();
  let list: Listed | undefined;
  let sink: FakeSink | undefined;
  let taken = 0;

  function takeList(listed: Listed): void {
    list = listed;
    memberships.push(listed.jobs.join(" "));
    for (const jobId of replicas.keys()) if (!listed.jobs.includes(jobId)) replicas.delete(jobId);
  }

  function takeDelta(jobId: string, delta: Delta): void {
    const replica = replicas.get(jobId) ?? emptyReplica();
    replicas.set(jobId, replica);
    const to = parseCursor(delta.cursor);
    if (to?.epoch === replica.epoch && to.version < replica.version) wentBack.push(jobId);
    applyDelta(replica, { ...delta, reset: delta.reset ?? false, log: [], done: false });
  }

  function takeEvents(): void {
    for (const { event, data } of sink?.events.slice(taken) ?? []) {
      if (event === "listed") takeList(data as unknown as Listed);
      else if (typeof data.job === "string" && event !== "refused")
        takeDelta(data.job, data as unknown as Delta);
    }
    taken = sink?.events.length ?? 0;
  }

  const isConnected = (): boolean => sink !== undefined && !sink.ended && !sink.destroyed;

  function leave(): void {
    takeEvents();
    if (isConnected()) sink?.subscription?.closed();
    sink = undefined;
    taken = 0;
  }

  function query(): string {
    const seen = list === undefined ? [] : [`seen=${list.tag}`];
    const after = [...replicas].map(([id, { cursor }]) => `after=${printTarget(id, cursor)}`);
    return [`subject=${subject}`, `limit=${limit}`, ...seen, ...after].join("&");
  }

  return {
    get memberships() {
      takeEvents();
      return memberships;
    },
    get wentBack() {
      takeEvents();
      return wentBack;
    },
    versions() {
      takeEvents();
      const ids = list?.jobs ?? [];
      return Object.fromEntries(ids.map((id) => [id, replicas.get(id)?.version ?? 0]));
    },
    async moveTo(progress) {
      leave();
      sink = await openMany(progress, query(), { sink: fakeSink() });
      return sink;
    },
    leave,
    isConnected,
  };
}
