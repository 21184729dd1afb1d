import {
  applyDelta,
  type Delta,
  deltaAfter,
  deltaOfChange,
  emptyReplica,
  type Fields,
  type NewLogLine,
  type Replica,
} from "@emlinh/progress-protocol";

/** Jobs, kept in the protocol's own replicas. */
export interface JobReplicas {
  has(jobId: string): boolean;
  /** Creates a job at its first version, in an epoch of its own. It replaces an earlier job of that id. */
  create(jobId: string, set?: Fields): void;
  write(jobId: string, set: Fields, log?: readonly NewLogLine[]): void;
  /** Returns the delta after a cursor. */
  read(jobId: string, after?: string): Delta;
}

export function jobReplicas(): JobReplicas {
  const replicas = new Map<string, Replica>();
  let epochs = 0;

  function replicaOf(jobId: string): Replica {
    const replica = replicas.get(jobId);
    if (!replica) throw new Error(`The test did not create the job "${jobId}".`);
    return replica;
  }

  function write(jobId: string, set: Fields, log: readonly NewLogLine[] = []): void {
    const replica = replicaOf(jobId);
    const delta = deltaOfChange(replica, { set, log });
    if (delta) applyDelta(replica, delta);
  }

  return {
    has: (jobId) => replicas.has(jobId),
    create(jobId, set = {}) {
      epochs += 1;
      replicas.set(jobId, emptyReplica(`epoch${epochs}`));
      write(jobId, { kind: "video", status: "running", createdAt: 0, updatedAt: 0, ...set });
    },
    write,
    read: (jobId, after) => deltaAfter(replicaOf(jobId), after),
  };
}
