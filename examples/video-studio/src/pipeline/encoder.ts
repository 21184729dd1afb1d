import { type ChildProcess, spawn } from "node:child_process";
import { rename } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { type EncoderInput, encoderArguments } from "./encoder-arguments.js";
import { cancelledError, VideoError } from "./errors.js";
import type { Ffmpeg } from "./ffmpeg-locate.js";
import { splitLines } from "./lines.js";

/** What to encode, where to, and whom to tell. */
export interface EncoderOptions extends EncoderInput {
  readonly ffmpeg: Ffmpeg;
  /** The path of the finished file; it appears only when all is well. */
  readonly file: string;
  /** Called with the count of frames encoded so far. */
  readonly onEncoded: (frames: number) => void;
  /** A line that the encoder printed, which at this log level is a warning. */
  readonly onWarning: (line: string) => void;
  /** Kills the encoder when it aborts. */
  readonly signal: AbortSignal;
}

/** An encoder at work. */
export interface Encoder {
  /** Gives one frame, `width * height * 4` bytes of RGBA. Resolves when the encoder has taken it, so that frames never pile up. */
  write(frame: Uint8Array): Promise<void>;
  /** Says that there are no more frames, and waits for the file. */
  finish(): Promise<void>;
  /** Kills it, if it still lives, and waits until it is gone. */
  close(): Promise<void>;
}

const KEPT_WARNING_CHARS = 4000;

/**
 * Starts ffmpeg.
 *
 * @throws {@link VideoError} from `write` and `finish`: `ffmpeg-failed`, `incomplete-video`, `cancelled`.
 */
export function startEncoder(options: EncoderOptions): Encoder {
  const { ffmpeg, signal } = options;
  if (signal.aborted) throw cancelledError();
  // Not detached: it stays in the process group of the worker, which is killed as a whole.
  const child = spawn(ffmpeg.path, encoderArguments(options, ffmpeg), {
    stdio: ["pipe", "ignore", "pipe", "pipe"],
  });
  const stdin = child.stdin as Writable;
  let warnings = "";
  let encoded = 0;
  splitLines(child.stderr as Readable, (line) => {
    warnings = `${warnings}${line}\n`.slice(-KEPT_WARNING_CHARS);
    options.onWarning(line);
  });
  splitLines(child.stdio[3] as Readable, (line) => {
    const frames = /^frame=\s*(\d+)/u.exec(line)?.[1];
    if (frames === undefined) return;
    encoded = Math.max(encoded, Number(frames));
    options.onEncoded(Math.min(encoded, options.frames));
  });
  // The write that fails gives the reason; without a listener the same error would end the process.
  stdin.on("error", () => undefined);
  const closed = whenClosed(child);
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });

  /** Why it ended, for a caller that did not expect that. */
  const failure = async (cause?: unknown): Promise<VideoError> => {
    kill();
    const end = await closed;
    if (signal.aborted) return cancelledError();
    return new VideoError("ffmpeg-failed", "The video encoder stopped with an error.", {
      details: `${end}\n${warnings}`,
      cause,
    });
  };

  return {
    async write(frame) {
      try {
        await written(stdin, frame);
      } catch (cause) {
        throw await failure(cause);
      }
      if (signal.aborted) throw await failure();
    },

    async finish() {
      stdin.end();
      // After a broken pipe it may still report success: its word counts only together with the count of frames.
      if ((await closed) !== "exit code 0") throw await failure();
      if (encoded !== options.frames) {
        const details = `${encoded} of ${options.frames} frames\n${warnings}`;
        throw new VideoError("incomplete-video", "The video encoder left out frames.", { details });
      }
      if (signal.aborted) throw cancelledError();
      await rename(options.partialFile, options.file);
    },

    async close() {
      signal.removeEventListener("abort", kill);
      kill();
      await closed;
    },
  };
}

function written(stdin: Writable, frame: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stdin.write(frame, (error) => (error ? reject(error) : resolve()));
  });
}

/** Resolves with how it ended, after all of its output was read. Never rejects. */
function whenClosed(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`not started: ${error.message}`));
    child.once("close", (code, killedBy) =>
      resolve(killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`),
    );
  });
}
