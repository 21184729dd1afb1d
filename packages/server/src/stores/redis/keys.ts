/** Where a job's data are. */
interface JobKeys {
  /** A hash: the fields, each with its version, and what the scripts must know. */
  readonly job: string;
  /** A list: the newest log lines. */
  readonly log: string;
  /** A sorted set, shared with other jobs: their ids by when a sweep has to look at them. */
  readonly due: string;
  /** Where each new version is told. */
  readonly channel: string;
}

/** The names of keys and channels. */
export interface RedisKeys {
  of(jobId: string): JobKeys;
  /** The job that a key of `create` stands for: an id, with an expiry. */
  pointer(key: string): string;
  /** Every {@link JobKeys.due}. */
  readonly dues: readonly string[];
}

/**
 * Into how many parts the jobs are divided. Each has a hash tag of its own, and so a slot of a Cluster: a script may touch a job, its log and the
 * index of what is due only if they are in one. The price is that a sweep looks at this many indexes, and that a part is as small as load can be moved
 * to another node. It is never changed: jobs would be looked for elsewhere.
 */
const PARTS = 64;

/** The names below a prefix. */
export function keysBelow(prefix: string): RedisKeys {
  const dues = Array.from({ length: PARTS }, (_, part) => `${prefix}:{${part}}:due`);
  return {
    of(jobId) {
      const part = `${prefix}:{${partOf(jobId)}}:`;
      return {
        job: `${part}job:${jobId}`,
        log: `${part}log:${jobId}`,
        due: `${part}due`,
        channel: `${part}at:${jobId}`,
      };
    },
    // As JSON, since a key may be any text, and half a surrogate pair would become the same bytes as another.
    pointer: (key) => `${prefix}:key:${JSON.stringify(key)}`,
    dues,
  };
}

/** The id in a {@link JobKeys.channel}. */
export function jobOf(channel: string): string {
  return channel.slice(channel.lastIndexOf(":") + 1);
}

/** FNV-1a: the same in every process and release. */
function partOf(jobId: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < jobId.length; at += 1)
    hash = Math.imul(hash ^ jobId.charCodeAt(at), 0x01000193);
  return ((hash >>> 16) ^ hash) & (PARTS - 1);
}
