import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { expect, onTestFinished } from "vitest";
import { type Ffmpeg, locateFfmpeg } from "../../src/pipeline/ffmpeg-locate.js";

const run = promisify(execFile);
const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The encoder, or `undefined` on a machine without one. In CI this throws. */
export async function findEncoder(): Promise<Ffmpeg | undefined> {
  return locateFfmpeg().catch((error: unknown) => {
    if (process.env.CI) throw error;
    return undefined;
  });
}

/**
 * Builds the worker as the studio does. The output is inside the package, where its imports are resolved, in a
 * directory for each test file.
 */
export async function buildWorker(name = "pipeline-test"): Promise<URL> {
  const outfile = at(`../../node_modules/.cache/${name}/worker.mjs`);
  await build({
    entryPoints: [at("../../src/pipeline/worker.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "silent",
  });
  return pathToFileURL(outfile);
}

/** An empty directory for one test. */
export async function jobDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "video-studio-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The names of the files in a directory, sorted. */
export async function filesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).sort();
}

/** The commands of the running processes of a group, without zombies. */
export async function processesOf(group: number | undefined): Promise<string[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pgid=,stat=,comm="]);
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/u));
  return rows
    .filter(([pgid, state]) => Number(pgid) === group && !state?.startsWith("Z"))
    .map(([, , command]) => command ?? "");
}

/** The encoder's description of a file, and the number of frames that it reads from it. */
export async function inspect(
  ffmpeg: Ffmpeg,
  file: string,
): Promise<{ text: string; seconds: number; frames: number }> {
  const { stderr } = await run(ffmpeg.path, [
    "-hide_banner",
    "-i",
    file,
    "-map",
    "0:v",
    "-f",
    "null",
    "-",
  ]);
  const [, hours, minutes, seconds] = /Duration: (\d+):(\d+):([\d.]+)/u.exec(stderr) ?? [];
  const frames = [...stderr.matchAll(/frame=\s*(\d+)/gu)].at(-1)?.[1];
  return {
    text: stderr,
    seconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
    frames: Number(frames),
  };
}

/**
 * Resolves when no process of a group is left. The test gets no event when a process of another one exits, so it polls.
 */
export async function untilGone(group: number | undefined): Promise<void> {
  await expect.poll(() => processesOf(group), { timeout: 20_000, interval: 50 }).toEqual([]);
}
