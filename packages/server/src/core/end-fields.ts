import {
  type Fields,
  type JobError,
  type Json,
  ProgressError,
  type TerminalStatus,
} from "@emlinh/progress-protocol";
import { cutText } from "../shared/limits.js";
import { checksFor } from "../shared/option-checks.js";
import { isShown, jobErrorOf } from "./failure.js";

/** Options of `end`. */
export interface EndOptions {
  /** For people; cut at 4096 characters. */
  readonly message?: string | undefined;
  /**
   * The reason that readers get: `{ code, message }` or a `JobFailure`. Of any other error, such as a caught one,
   * readers get only that the job failed, and `onError` gets the error itself.
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

const { names, invalid } = checksFor("end");

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
  if (!END_STATUSES.has(status))
    throw invalid(
      "status",
      status,
      `"failed", "cancelled", "lost" or "timed-out"${toComplete(status)}`,
    );
  names(options, ["message", "error"]);
  const { message, error } = options;
  const text = checkedMessage("end", message);
  if (error !== undefined && !isShown(error)) onHidden(error);
  return {
    status,
    ...text,
    ...(error !== undefined && { error: jobErrorOf(error, step) as unknown as Json }),
  };
}

/** Only the worker has the result. */
function toComplete(status: unknown): string {
  return status === "completed" ? "; a worker completes its job by reporter.complete(result)" : "";
}

/**
 * The field of a message for people, cut to its greatest length; no field without one.
 *
 * @param method - The method that was given the message.
 * @throws ProgressError `invalid-option` if it is not a string.
 */
export function checkedMessage(method: string, message: unknown): Fields {
  if (message === undefined) return {};
  if (typeof message === "string") return { message: cutText(message) };
  throw checksFor(method).invalid("message", message, "a string");
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
