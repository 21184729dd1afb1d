import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type JobState, type JobWatch, watchJob } from "@emlinh/progress-client";
import { onTestFinished } from "vitest";
import { createStudio, type Studio, type StudioOptions } from "../../src/server/app.js";
import type { VideoOwners } from "../../src/server/video-files.js";
import { CREATE_PATH, PROGRESS_PATH, SESSION_PATH } from "../../src/shared/addresses.js";
import type { CreateVideoBody, CreateVideoReply } from "../../src/shared/create-video.js";
import type { SessionReply } from "../../src/shared/session.js";
import { type VideoJob, videoJob } from "../../src/shared/video-job.js";

const run = promisify(execFile);

/** The members of the answer to a request for many jobs that these tests read. */
interface ManyReply {
  readonly listed: readonly { readonly jobs: readonly string[] }[];
  readonly refused: readonly { readonly status: number }[];
}

/** The studio of one test. */
export interface OpenStudio extends Studio {
  readonly dataDir: string;
  readonly notices: readonly string[];
}

/** Jobs that are all kept. */
export const KEEP_ALL: VideoOwners = { isKept: async () => true, remove: async () => undefined };

/** A directory that is removed with the test. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "video-studio-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Opens a studio on a free port. It is closed with the test. */
export async function openStudio(options: Partial<StudioOptions> = {}): Promise<OpenStudio> {
  const dataDir = options.dataDir ?? (await temporaryDirectory());
  const notices: string[] = [];
  const studio = await createStudio({
    port: 0,
    host: "127.0.0.1",
    drainMs: 20,
    onNotice: (notice) => notices.push(notice),
    ...options,
    dataDir,
  });
  onTestFinished(() => studio.close());
  return { ...studio, dataDir, notices };
}

/** A worker that fails at once. */
export const FAILING_WORKER: URL = new URL("./failing-worker.mjs", import.meta.url);

/**
 * An environment with a program that has the version text of ffmpeg and can do nothing else. The studio accepts videos
 * on a machine without ffmpeg too.
 *
 * @param after - A shell command that runs after the version was printed.
 */
export async function withEncoderName(after = ":"): Promise<NodeJS.ProcessEnv> {
  const path = join(await temporaryDirectory(), "ffmpeg");
  await writeFile(path, `#!/bin/sh\necho "ffmpeg version 7.1"\n${after}\n`, { mode: 0o755 });
  return { ...process.env, FFMPEG_PATH: path };
}

/** An environment without ffmpeg. The studio refuses each video. */
export function withoutEncoder(): NodeJS.ProcessEnv {
  return { ...process.env, FFMPEG_PATH: join(tmpdir(), "no-such-ffmpeg") };
}

/** The address of a studio. */
type StudioAddress = Pick<Studio, "url">;

/** Posts a body as JSON. */
export function postVideo(
  studio: StudioAddress,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(new URL(CREATE_PATH, studio.url), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** Requests a video. Throws if the studio refuses it. */
export async function createVideo(
  studio: StudioAddress,
  body: Partial<CreateVideoBody>,
  headers: Readonly<Record<string, string>> = {},
): Promise<CreateVideoReply> {
  const response = await postVideo(studio, body, headers);
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as CreateVideoReply;
}

/** A video that takes long enough to be interrupted. */
export const LONG = { topic: "Trí tuệ nhân tạo", duration: 15 } as const;

/** Watches a job over HTTP, as the page does. */
export function watchVideo(studio: Studio, jobId: string): JobWatch<VideoJob> {
  const watch = watchJob<VideoJob>(jobId, {
    baseUrl: new URL(PROGRESS_PATH, studio.url).href,
    definition: videoJob,
  });
  // The page listens all the time. Without a listener the watch would disconnect, and come too late to see the end.
  watch.subscribe(() => {});
  onTestFinished(() => watch.stop());
  return watch;
}

/** Resolves with the first state that meets a condition. */
export async function until(
  watch: JobWatch<VideoJob>,
  condition: (job: JobState<VideoJob>) => boolean,
): Promise<JobState<VideoJob>> {
  for await (const job of watch) if (condition(job)) return job;
  throw new Error(`The job ${watch.jobId} ended before it met the condition.`);
}

/** Resolves with the state of a job at its end. */
export function ended(watch: JobWatch<VideoJob>): Promise<JobState<VideoJob>> {
  return new Promise((resolve) => watch.on("end", resolve));
}

/** The ids of the running worker processes of a file. Each is the id of a process group too. */
export async function workersOf(workerFile: URL): Promise<readonly number[]> {
  const { stdout } = await run("ps", ["-A", "-o", "pid=,stat=,args="]);
  return stdout
    .split("\n")
    .map((line) => line.trim().split(/\s+/u))
    .filter(([, state, ...args]) => !state?.startsWith("Z") && args.includes(workerFile.pathname))
    .map(([pid]) => Number(pid));
}

/** The directories of a studio's jobs. */
export function directoriesOf(dataDir: string): Promise<string[]> {
  return readdir(join(dataDir, "videos"));
}

/** A session, as a browser has it. */
export interface TestSession {
  readonly id: string;
  /** The header `cookie` of its requests. */
  readonly cookie: { readonly cookie: string };
}

/** Opens the page in a new browser. */
export async function newSession(studio: StudioAddress): Promise<TestSession> {
  const response = await fetch(new URL(SESSION_PATH, studio.url));
  const { id } = (await response.json()) as SessionReply;
  const [cookie = ""] = (response.headers.get("set-cookie") ?? "").split(";");
  return { id, cookie: { cookie } };
}

/** The list of a subject, as a session gets it. */
export async function listOf(
  studio: StudioAddress,
  subject: string,
  { cookie }: Pick<TestSession, "cookie">,
): Promise<{ readonly jobs: readonly string[] | undefined; readonly refusedWith?: number }> {
  const url = new URL(`${PROGRESS_PATH}?subject=${subject}`, studio.url);
  const response = await fetch(url, { headers: { accept: "application/json", ...cookie } });
  const { listed, refused } = (await response.json()) as ManyReply;
  const [refusal] = refused;
  return {
    jobs: listed[0]?.jobs,
    ...(refusal !== undefined && { refusedWith: refusal.status }),
  };
}
