import { JOB_ID, SUBJECT } from "@emlinh/progress-protocol";
import { SUBJECT_RULE } from "../shared/ids.js";
import { checksFor } from "../shared/option-checks.js";

/**
 * The readers that `disconnect` sends away: those of a job, of the list of a subject, of a principal, or of a principal
 * at one job or list. A reader of a list is a reader of each job in it.
 */
export type DisconnectTarget =
  | {
      readonly jobId: string;
      readonly subject?: undefined;
      readonly principal?: string | undefined;
    }
  | {
      readonly subject: string;
      readonly jobId?: undefined;
      readonly principal?: string | undefined;
    }
  | { readonly principal: string; readonly jobId?: undefined; readonly subject?: undefined };

const { names, invalid, fault } = checksFor("disconnect", "disconnect({ jobId })");

/**
 * Checks the target. Without a member it would be every reader.
 *
 * @throws ProgressError `invalid-option`
 */
export function checkedTarget(target: DisconnectTarget): DisconnectTarget {
  names(target, ["jobId", "subject", "principal"]);
  const { jobId, subject, principal }: { readonly [Name in keyof DisconnectTarget]?: unknown } =
    target;
  if (jobId === undefined && subject === undefined && principal === undefined)
    throw fault("there is no jobId, subject or principal; pass at least one of them.");
  if (jobId !== undefined && subject !== undefined)
    throw fault("there are a jobId and a subject; call it once with each of them.");
  if (jobId !== undefined && !(typeof jobId === "string" && JOB_ID.test(jobId)))
    throw invalid("jobId", jobId, "the id of a job");
  if (subject !== undefined && !(typeof subject === "string" && SUBJECT.test(subject)))
    throw invalid("subject", subject, SUBJECT_RULE);
  if (principal !== undefined && typeof principal !== "string")
    throw invalid("principal", principal, "a string, as authorize returns it");
  return target;
}
