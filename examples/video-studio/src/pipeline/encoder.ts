import { type ChildProcess, spawn } from "node:child_process";
import { rename } from "node:fs/promises";
import type { Readable, Writable } from "node:stream";
import { type EncoderInput, encoderArguments } from "./encoder-arguments.js";
import { cancelledError, VideoError } from "./errors.js";
import type { Ffmpeg } from "./ffmpeg-locate.js";
import { splitLines } from "./lines.js";

/** Options of {@link startEncoder}. */
export interface EncoderOptions extends EncoderInput {
  readonly ffmpeg: Ffmpeg;
  /** The path of the finished file. It appears only if the encoding succeeded. */
  readonly file: string;
  /** Called with the number of frames that are encoded. */
  readonly onEncoded: (frames: number) => void;
  /** Called with each line that the encoder prints. At this log level it prints warnings and errors. */
  readonly onWarning: (line: string) => void;
  /** Kills the encoder when it aborts. */
  readonly signal: AbortSignal;
}

/** A running encoder. */
export interface Encoder {
  /**
   * Writes one frame, `width * height * 4` bytes of RGBA. Resolves when the encoder has read it, so frames never pile
   * up.
   */
  write(frame: Uint8Array): Promise<void>;
  /** Ends the frames, and waits for the file. */
  finish(): Promise<void>;
  /** Kills the encoder if it still runs, and waits until it has exited. */
  close(): Promise<void>;
}

const MAX_WARNING_CHARS = 4000;

/**
 * Starts ffmpeg.
 *
 * @throws {@link VideoError} from `write` and `finish`: `ffmpeg-failed`, `incomplete-video`, `cancelled`.
 */
export function startEncoder(options: EncoderOptions): Encoder {
  const { ffmpeg, signal } = options;
  if (signal.aborted) throw cancelledError();
  // Not detached: the encoder stays in the worker's process group, which is killed as a whole.
  const child = spawn(ffmpeg.path, encoderArguments(options, ffmpeg), {
    stdio: ["pipe", "ignore", "pipe", "pipe"],
  });
  const stdin = child.stdin as Writable;
  const output = readOutput(child, options);
  // The write that fails reports the error. Without a listener the same error would end the process.
  stdin.on("error", () => undefined);
  const closed = whenClosed(child);
  const kill = (): void => void child.kill("SIGKILL");
  signal.addEventListener("abort", kill, { once: true });

  /** The error for a caller, after the encoder has exited unexpectedly. */
  const failure = async (cause?: unknown): Promise<VideoError> => {
    kill();
    const end = await closed;
    if (signal.aborted) return cancelledError();
    return new VideoError("ffmpeg-failed", "The video encoder stopped with an error.", {
      details: `${end}\n${output.warnings}`,
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
      // After a broken pipe ffmpeg may still exit with 0, so the number of frames is checked too.
      if ((await closed) !== "exit code 0") throw await failure();
      if (output.frames !== options.frames) {
        const details = `${output.frames} of ${options.frames} frames\n${output.warnings}`;
        throw new VideoError("incomplete-video", "The video has fewer frames than expected.", {
          details,
        });
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

/** The output of an encoder so far. */
interface EncoderOutput {
  warnings: string;
  /** The number of encoded frames. */
  frames: number;
}

function readOutput(child: ChildProcess, options: EncoderOptions): EncoderOutput {
  const output: EncoderOutput = { warnings: "", frames: 0 };
  splitLines(child.stderr as Readable, (line) => {
    output.warnings = `${output.warnings}${line}\n`.slice(-MAX_WARNING_CHARS);
    options.onWarning(line);
  });
  splitLines(child.stdio[3] as Readable, (line) => {
    const frames = /^frame=\s*(\d+)/u.exec(line)?.[1];
    if (frames === undefined) return;
    output.frames = Math.max(output.frames, Number(frames));
    options.onEncoded(Math.min(output.frames, options.frames));
  });
  return output;
}

function written(stdin: Writable, frame: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stdin.write(frame, (error) => (error ? reject(error) : resolve()));
  });
}

/** Resolves with a description of the exit, when all output was read. Never rejects. */
function whenClosed(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once("error", (error) => resolve(`not started: ${error.message}`));
    child.once("close", (code, killedBy) =>
      resolve(killedBy === null ? `exit code ${code}` : `killed by ${killedBy}`),
    );
  });
}
