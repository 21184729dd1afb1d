/**
 * The reason for which a video was not made. The codes are stable: the server maps each to an answer, the page to a
 * text.
 *
 * - `invalid-request`: the text, the duration or a choice is invalid.
 * - `unknown-voice`: the voice is not in the list. The speech engine would use another one without an error.
 * - `speech-failed`: the speech engine returned no sound.
 * - `ffmpeg-missing`: this machine has no encoder.
 * - `ffmpeg-failed`: the encoder stopped with an error.
 * - `incomplete-video`: the encoder reported success, but frames are missing.
 * - `worker-died`: the worker process exited without a result.
 * - `cancelled`: the video was cancelled.
 * - `internal`: any other error, which is a bug.
 */
export type VideoErrorCode =
  | "invalid-request"
  | "unknown-voice"
  | "speech-failed"
  | "ffmpeg-missing"
  | "ffmpeg-failed"
  | "incomplete-video"
  | "worker-died"
  | "cancelled"
  | "internal";

/** Options of a {@link VideoError}. */
export interface VideoErrorOptions {
  /** For the operator's log. May contain paths and ffmpeg's output, so it must not reach the page. */
  details?: string | undefined;
  /** The invalid field of a request. */
  field?: string | undefined;
  cause?: unknown;
}

/** The error class of the pipeline. Its `message` may be shown to users, its `details` must not. */
export class VideoError extends Error {
  readonly code: VideoErrorCode;
  readonly details: string | undefined;
  readonly field: string | undefined;

  constructor(code: VideoErrorCode, message: string, options: VideoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "VideoError";
    this.code = code;
    this.details = options.details;
    this.field = options.field;
  }
}

/**
 * Converts a thrown value to a {@link VideoError}. An unknown error becomes `internal`, with its stack in `details`.
 */
export function asVideoError(thrown: unknown): VideoError {
  if (thrown instanceof VideoError) return thrown;
  const details = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new VideoError("internal", "The video could not be made because of an internal error.", {
    details,
    cause: thrown,
  });
}

/** The error of a video that was cancelled. */
export function cancelledError(): VideoError {
  return new VideoError("cancelled", "The video was cancelled.");
}
