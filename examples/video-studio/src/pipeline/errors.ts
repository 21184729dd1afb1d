/**
 * Why a video was not made. Stable: the server maps each to an answer, the page to a sentence.
 *
 * - `invalid-request`: the text, the duration or a choice is out of bounds.
 * - `unknown-voice`: the voice is not in the list; the engine would silently speak with another.
 * - `speech-failed`: the engine gave no sound.
 * - `ffmpeg-missing`: no encoder on this machine.
 * - `ffmpeg-failed`: the encoder stopped with an error.
 * - `incomplete-video`: the encoder said that all is well, but frames are missing.
 * - `worker-died`: the child process ended without an answer.
 * - `cancelled`: somebody asked for it.
 * - `internal`: anything else, which is a bug.
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

/** What a {@link VideoError} may carry besides its code and message. */
export interface VideoErrorOptions {
  /** For the operator's log: may name paths and print what ffmpeg said. Never for the page. */
  details?: string | undefined;
  /** Which part of a request is out of bounds. */
  field?: string | undefined;
  cause?: unknown;
}

/** The one error of the pipeline. Its `message` is safe to show; its `details` are not. */
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

/** Whatever was thrown, as a {@link VideoError}; an unknown one becomes `internal` with its text in `details`. */
export function asVideoError(thrown: unknown): VideoError {
  if (thrown instanceof VideoError) return thrown;
  const details = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new VideoError("internal", "The video could not be made because of an internal error.", {
    details,
    cause: thrown,
  });
}

/** The error of a job that was told to stop. */
export function cancelledError(): VideoError {
  return new VideoError("cancelled", "The video was cancelled.");
}
