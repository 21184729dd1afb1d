import { JOB_ID } from "@emlinh/progress-protocol";
import { checksFor } from "../shared/option-checks.js";

/** The readers that `disconnect` sends away: those of a job, of a principal, or of a principal at one job. */
export type DisconnectTarget =
  | { readonly jobId: string; readonly principal?: string | undefined }
  | { readonly jobId?: undefined; readonly principal: string };

const { names, invalid, fault } = checksFor("disconnect", "disconnect({ jobId })");

/**
 * Checks the target. Without both members it would be every reader.
 *
 * @throws ProgressError `invalid-option`
 */
export function checkedTarget(target: DisconnectTarget): DisconnectTarget {
  names(target, ["jobId", "principal"]);
  const { jobId, principal }: { readonly jobId?: unknown; readonly principal?: unknown } = target;
  if (jobId === undefined && principal === undefined)
    throw fault("there is neither a jobId nor a principal; pass at least one of them.");
  if (jobId !== undefined && !(typeof jobId === "string" && JOB_ID.test(jobId)))
    throw invalid("jobId", jobId, "the id of a job");
  if (principal !== undefined && typeof principal !== "string")
    throw invalid("principal", principal, "a string, as authorize returns it");
  return target;
}
