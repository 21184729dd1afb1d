import { ProgressError, type Refused } from "@emlinh/progress-protocol";

/** The error of a refusal of one job or one subject. */
export function refusalError(
  { job, subject, status, code }: Refused,
  retryable: boolean,
): ProgressError {
  const name = job === undefined ? `subject "${subject}"` : `job "${job}"`;
  const message = `The server refused the ${name}: ${code} (status ${status}). See docs/errors.md#${code}.`;
  return new ProgressError(code, { message, status, retryable });
}
