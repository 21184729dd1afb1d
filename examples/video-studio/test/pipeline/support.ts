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

/** The encoder, or `undefined` on a machine without one; in CI its absence is a failure. */
export async function findEncoder(): Promise<Ffmpeg | undefined> {
  return locateFfmpeg().catch((error: unknown) => {
    if (process.env.CI) throw error;
    return undefined;
  });
}

/** Builds the worker as the studio does, inside the package, where its imports are found; each test file into a directory of its own. */
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

/** The names of the files there, in order. */
export async function filesIn(directory: string): Promise<string[]> {
  return (await readdir(directory)).sort();
}

/** The commands of the living processes of a group; a dead one that nobody has collected yet does not count. */
export async function processesOf(group: number | undefined): Promise<string[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pgid=,stat=,comm="]);
  const rows = stdout.split("\n").map((line) => line.trim().split(/\s+/u));
  return rows
    .filter(([pgid, state]) => Number(pgid) === group && !state?.startsWith("Z"))
    .map(([, , command]) => command ?? "");
}

/** What the encoder says about a file, and the count of frames that it reads from it. */
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

/** Resolves when no process of a group is left: a signal is delivered soon, not at once. Nothing tells of the death of processes that aren't ours: they are looked for. */
export async function untilGone(group: number | undefined): Promise<void> {
  await expect.poll(() => processesOf(group), { timeout: 20_000, interval: 50 }).toEqual([]);
}
