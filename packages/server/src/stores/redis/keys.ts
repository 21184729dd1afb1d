/** The keys and the channel of one job, all in one slot of a Cluster. */
interface JobKeys {
  /** A hash: the fields with their versions, and the record (see `lua/record.ts`). */
  readonly job: string;
  /** A list: the newest log lines. */
  readonly log: string;
  /** A sorted set that the jobs of a slot share: their ids, scored by the time at which they are due for a sweep. */
  readonly index: string;
  /** The channel on which each new version is published. */
  readonly channel: string;
}

/** The key and the channel of the list of a subject, in one slot of a Cluster, which is not that of its jobs. */
interface SubjectKeys {
  /** A sorted set: an entry for each job (see `lua/job-lists.ts`). */
  readonly list: string;
  /** The channel on which changes of the list are published. */
  readonly channel: string;
}

/** The names of keys and channels. */
export interface RedisKeys {
  of(jobId: string): JobKeys;
  ofSubject(subject: string): SubjectKeys;
  /** A hash: the durations of a kind of job (see `lua/learned-durations.ts`). */
  kind(kind: string): string;
  /** The pointer of a key of `create`: the id of its job, with an expiry. */
  pointer(key: string): string;
  /** Every {@link JobKeys.index}. */
  readonly indexes: readonly string[];
}

/**
 * The number of hash tags, and so of slots of a Cluster, over which jobs and lists are spread. A script may touch a
 * job, its log and the index of due jobs only if they are in one slot. Therefore a sweep has to search this many
 * indexes, and this is the granularity at which a Cluster can move load. It must never change: jobs would be searched
 * under other keys.
 */
const SLOT_COUNT = 64;

/** The names that begin with a prefix. */
export function redisKeys(prefix: string): RedisKeys {
  const indexes = Array.from({ length: SLOT_COUNT }, (_, slot) => `${prefix}:{${slot}}:due`);
  return {
    of(jobId) {
      const tag = `${prefix}:{${slotOf(jobId)}}:`;
      return {
        job: `${tag}job:${jobId}`,
        log: `${tag}log:${jobId}`,
        index: `${tag}due`,
        channel: `${tag}at:${jobId}`,
      };
    },
    // Here and below as JSON, because it may be any string, and lone surrogates would all be encoded as the same bytes.
    ofSubject(subject) {
      const tag = `${prefix}:{${slotOf(subject)}}:`;
      const name = JSON.stringify(subject);
      return { list: `${tag}list:${name}`, channel: `${tag}listed:${name}` };
    },
    kind: (kind) => `${prefix}:kind:${JSON.stringify(kind)}`,
    pointer: (key) => `${prefix}:key:${JSON.stringify(key)}`,
    indexes,
  };
}

/** The channel of a slot, on which nothing is published, given any other channel in it. */
export function probeChannelOf(channel: string): string {
  return channel.slice(0, channel.indexOf("}") + 1);
}

/**
 * The number in the hash tag of a job's or a subject's keys. By FNV-1a, which gives the same result in every process
 * and release.
 */
export function slotOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1)
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  return ((hash >>> 16) ^ hash) & (SLOT_COUNT - 1);
}
