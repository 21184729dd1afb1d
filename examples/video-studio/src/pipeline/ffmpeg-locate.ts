import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { VideoError } from "./errors.js";

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const PROBE_TIMEOUT_MS = 15_000;

/** A working encoder. */
export interface Ffmpeg {
  readonly path: string;
  /** The version that ffmpeg prints. */
  readonly version: string;
  /** Whether it has the option `-stats_period`. Older versions report twice a second. */
  readonly hasStatsPeriod: boolean;
}

const REMEDY =
  "Install ffmpeg so that it is on the PATH, or set FFMPEG_PATH to its path, " +
  "or install the optional package @ffmpeg-installer/ffmpeg.";

/**
 * Finds ffmpeg: in `FFMPEG_PATH`, then on the `PATH`, then in the optional package `@ffmpeg-installer/ffmpeg`. If
 * `FFMPEG_PATH` is set but does not work, no other ffmpeg is used.
 *
 * @throws {@link VideoError} `ffmpeg-missing`, with the remedy in its message.
 */
export async function locateFfmpeg(env: NodeJS.ProcessEnv = process.env): Promise<Ffmpeg> {
  const named = env.FFMPEG_PATH;
  if (named !== undefined && named !== "") {
    const found = await probe(named, env);
    if (found) return found;
    throw new VideoError(
      "ffmpeg-missing",
      `FFMPEG_PATH is not the path of a working ffmpeg. ${REMEDY}`,
      { details: `FFMPEG_PATH=${named}` },
    );
  }
  const found = (await probe("ffmpeg", env)) ?? (await probePackaged(env));
  if (found) return found;
  throw new VideoError("ffmpeg-missing", `This machine has no ffmpeg. ${REMEDY}`);
}

async function probe(path: string, env: NodeJS.ProcessEnv): Promise<Ffmpeg | undefined> {
  try {
    const { stdout } = await run(path, ["-version"], {
      env,
      timeout: PROBE_TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    const version = /^ffmpeg version (\S+)/u.exec(stdout)?.[1];
    return version === undefined
      ? undefined
      : { path, version, hasStatsPeriod: hasStatsPeriod(stdout) };
  } catch {
    // The file is missing, not executable, or built for another machine. The caller tries the next one in any case.
    return undefined;
  }
}

async function probePackaged(env: NodeJS.ProcessEnv): Promise<Ffmpeg | undefined> {
  const path = packagedPath();
  if (path === undefined) return undefined;
  // The package does this in an install script, which package managers may block. If it fails because the folder is
  // read-only, the probe decides.
  await chmod(path, 0o755).catch(() => undefined);
  return probe(path, env);
}

function packagedPath(): string | undefined {
  try {
    return (require("@ffmpeg-installer/ffmpeg") as { readonly path: string }).path;
  } catch {
    // The package is optional, and it does not support every machine.
    return undefined;
  }
}

/**
 * Whether ffmpeg has `-stats_period`, which release 4.4 with libavutil 56.70 added. The version of libavutil is used
 * because the version of a snapshot is not a number.
 */
export function hasStatsPeriod(versionText: string): boolean {
  const [, major, minor] = /libavutil\s+(\d+)\.\s*(\d+)/u.exec(versionText) ?? [];
  return Number(major) > 56 || (Number(major) === 56 && Number(minor) >= 70);
}
