import {
  type Fields,
  type JobError,
  type Json,
  ProgressError,
  type TerminalStatus,
} from "@emlinh/progress-protocol";
import { cutText } from "../shared/limits.js";
import { unknownMember } from "../shared/member-names.js";
import { shown } from "../shared/shown.js";
import { isShown, jobErrorOf } from "./failure.js";

/** Options of `end`. */
export interface EndOptions {
  /** For people; cut at 4096 characters. */
  readonly message?: string | undefined;
  /**
   * The reason that readers get: `{ code, message }` or a `JobFailure`. Of any other error, such as a caught one, readers
   * get only that the job failed, and `onError` gets the error itself.
   */
  readonly error?: JobError | Error | undefined;
}

/** The statuses that a job can be ended with. `completed` needs the result: see `Reporter.complete`. */
export type EndStatus = Exclude<TerminalStatus, "completed">;

/** How an end is checked. */
interface EndContext {
  /** The step in which the error was thrown. */
  readonly step?: string | undefined;
  /** Called with an error that is not shown to readers. */
  onHidden(error: unknown): void;
}

/**
 * The fields that end a job. The store adds `finishedAt`, and closes the steps that are still running (P47).
 *
 * @throws ProgressError `invalid-option`
 */
export function endFields(
  status: EndStatus,
  options: EndOptions,
  { step, onHidden }: EndContext,
): Fields {
  if (!END_STATUSES.has(status)) throw invalidStatus(status);
  const unknown = unknownMember(options, ["message", "error"]);
  if (unknown !== undefined) throw invalidOption(`there is no option ${unknown}`);
  const { message, error } = options;
  if (error !== undefined && !isShown(error)) onHidden(error);
  return {
    status,
    ...(message !== undefined && { message: checkedMessage(message) }),
    ...(error !== undefined && { error: jobErrorOf(error, step) as unknown as Json }),
  };
}

/** A message for people, cut to its greatest length. @throws ProgressError `invalid-option` if it is not a string. */
export function checkedMessage(message: unknown): string {
  if (typeof message === "string") return cutText(message);
  throw invalidOption(`message is ${shown(message)}; it must be a string.`);
}

/** The error for `onError` if the error of the work is not shown to readers. */
export function workFailed(jobId: string, cause: unknown): ProgressError {
  return new ProgressError("job-failed", {
    message: `The work of the job "${jobId}" failed. Readers do not get its error; throw a JobFailure to show one.`,
    details: { jobId },
    cause,
  });
}

const END_STATUSES: ReadonlySet<string> = new Set<EndStatus>([
  "failed",
  "cancelled",
  "lost",
  "timed-out",
]);

function invalidStatus(status: unknown): ProgressError {
  return invalidOption(
    `status is ${shown(status)}; it must be "failed", "cancelled", "lost" or "timed-out".`,
  );
}

function invalidOption(fault: string): ProgressError {
  return new ProgressError("invalid-option", { message: `end: ${fault}` });
}
