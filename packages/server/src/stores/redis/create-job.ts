import type { Created, JobDraft } from "../../core/store.js";
import { idTaken } from "../../shared/errors.js";
import type { CreateReply, RedisCalls } from "./calls.js";
import type { RedisLists } from "./lists/job-lists.js";

/**
 * The most tries to find out whose a key is. Each further try means that the key's job was removed since the last
 * one.
 */
const MAX_TRIES = 10;

/** Options of {@link createJob}. */
export interface CreateJobOptions {
  readonly calls: RedisCalls;
  readonly lists: RedisLists;
  /** Milliseconds for which the pointer of a key is kept. Sweeps extend it for jobs that are written to. */
  readonly keepMs: number;
}

/**
 * Creates a job, or finds the one with the draft's key.
 *
 * A key can't be in the slot of its job, so a draft with a key takes two steps: point the key at the draft's id,
 * unless it points at another one, then create the job of the id that it points at, unless that exists. A process
 * that dies between the two leaves a key without a job, and the next draft with this key creates it.
 *
 * @throws ProgressError `invalid-change` if the id is taken.
 */
export async function createJob(draft: JobDraft, options: CreateJobOptions): Promise<Created> {
  const { calls, keepMs } = options;
  const { id, key } = draft;
  if (key === undefined) {
    const { outcome, cursor } = await createListed(draft, id, options);
    if (outcome !== "created") throw idTaken(id);
    return { jobId: id, cursor, created: true };
  }
  let replaced = "";
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const jobId = await calls.claimKey(key, id, { replaced, keepMs });
    const { outcome, cursor } = await createListed(draft, jobId, options);
    if (outcome === "created" || outcome === "known")
      return { jobId, cursor, created: outcome === "created" };
    if (jobId === id) {
      await calls.releaseKey(key, id);
      throw idTaken(id);
    }
    // The key's job was removed, but its key is not released yet, or never will be because that process died.
    replaced = jobId;
  }
  throw new Error(`The key ${JSON.stringify(key)} changed its job ${MAX_TRIES} times in a row.`);
}

/**
 * Creates the job of an id, with its entries in lists, which are in other slots. A process that dies before the job is
 * created leaves entries without a job, which are not listed. If it dies after that, only the wakes are lost.
 */
async function createListed(
  draft: JobDraft,
  jobId: string,
  { calls, lists }: CreateJobOptions,
): Promise<CreateReply> {
  async function attempt(isLate: boolean): Promise<CreateReply> {
    const job = await lists.enlist(draft.subjects ?? [], jobId);
    const createBefore = isLate ? Number.POSITIVE_INFINITY : job.createBefore;
    // Nothing waits for it: the jobs of other entries may be on a node that is away.
    void job.tidy();
    const reply = await calls.create(draft, { ...job, createBefore });
    await (reply.outcome === "created" ? lists.announce(job) : lists.discard(job));
    return reply;
  }

  const reply = await attempt(false);
  // The process was frozen meanwhile, or the clocks of two nodes differ. The second case would be `late` each time.
  return reply.outcome === "late" ? attempt(true) : reply;
}
