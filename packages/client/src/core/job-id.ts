import { JOB_ID } from "@emlinh/progress-protocol";
import { invalidOption } from "../transports/invalid-option.js";

/** Whether a value is the id of a job (P2). */
export function isJobId(value: unknown): value is string {
  return typeof value === "string" && JOB_ID.test(value);
}

/** @throws {@link ProgressError} `invalid-option` for a value that is not the id of a job. */
export function checkJobId(value: unknown): void {
  if (!isJobId(value))
    throw invalidOption("jobId", value, 'a string of 1 to 128 letters, digits, "_" and "-"');
}
