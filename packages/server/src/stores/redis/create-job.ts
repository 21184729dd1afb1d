import type { Created, JobDraft } from "../../core/store.js";
import { idTaken } from "../../shared/errors.js";
import type { RedisCalls } from "./calls.js";

/**
 * The most tries to find out whose a key is. Each further try means that the key's job was removed since the last
 * one.
 */
const MAX_TRIES = 10;

/**
 * Creates a job, or finds the one with the draft's key.
 *
 * A key can't be in the slot of its job, so a draft with a key takes two steps: point the key at the draft's id,
 * unless it points at another one, then create the job of the id that it points at, unless that exists. A process
 * that dies between the two leaves a key without a job, and the next draft with this key creates it.
 *
 * @param keepMs - Milliseconds for which the pointer of a key is kept. Sweeps extend it for jobs that are written to.
 * @throws ProgressError `invalid-change` if the id is taken.
 */
export async function createJob(
  calls: RedisCalls,
  draft: JobDraft,
  keepMs: number,
): Promise<Created> {
  const { id, key } = draft;
  if (key === undefined) {
    const { outcome, cursor } = await calls.create(draft, id);
    if (outcome !== "created") throw idTaken(id);
    return { jobId: id, cursor, created: true };
  }
  let replaced = "";
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const jobId = await calls.claimKey(key, id, { replaced, keepMs });
    const { outcome, cursor } = await calls.create(draft, jobId);
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
