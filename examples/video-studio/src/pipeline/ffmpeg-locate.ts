import { execFile } from "node:child_process";
import { chmod } from "node:fs/promises";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { VideoError } from "./errors.js";

const run = promisify(execFile);
const require = createRequire(import.meta.url);
const PROBE_TIMEOUT_MS = 15_000;

/** An encoder that answers. */
export interface Ffmpeg {
  readonly path: string;
  /** As it calls itself. */
  readonly version: string;
  /** Whether it can be told how often to report; older ones report twice a second. */
  readonly hasStatsPeriod: boolean;
}

const REMEDY =
  "Install ffmpeg so that it is on the PATH, or set FFMPEG_PATH to it, or install the optional package @ffmpeg-installer/ffmpeg.";

/**
 * Finds ffmpeg: by `FFMPEG_PATH`, then on the `PATH`, then in the optional package `@ffmpeg-installer/ffmpeg`. A
 * `FFMPEG_PATH` that does not work is an error of its own, since somebody meant it.
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
      `FFMPEG_PATH does not name a working ffmpeg. ${REMEDY}`,
      { details: `FFMPEG_PATH=${named}` },
    );
  }
  const found = (await probe("ffmpeg", env)) ?? (await probePackaged(env));
  if (found) return found;
  throw new VideoError("ffmpeg-missing", `There is no ffmpeg on this machine. ${REMEDY}`);
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
    // Not there, not executable, or not for this machine: to the caller all of these mean "not this one".
    return undefined;
  }
}

async function probePackaged(env: NodeJS.ProcessEnv): Promise<Ffmpeg | undefined> {
  const path = packagedPath();
  if (path === undefined) return undefined;
  // The package does this when it is installed, which package managers may forbid. In a read-only folder it fails, and
  // the probe has the last word.
  await chmod(path, 0o755).catch(() => undefined);
  return probe(path, env);
}

function packagedPath(): string | undefined {
  try {
    return (require("@ffmpeg-installer/ffmpeg") as { readonly path: string }).path;
  } catch {
    // It is optional, and it knows not every machine.
    return undefined;
  }
}

/** The option came with release 4.4, whose libavutil is 56.70. Versions of snapshots are no numbers; those of libraries are. */
export function hasStatsPeriod(versionText: string): boolean {
  const [, major, minor] = /libavutil\s+(\d+)\.\s*(\d+)/u.exec(versionText) ?? [];
  return Number(major) > 56 || (Number(major) === 56 && Number(minor) >= 70);
}
