import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { allowAnyone, createProgress, type Progress } from "@emlinh/progress-server";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import { expect, test } from "vitest";
import { openVideoFiles } from "../../src/server/video-files.js";
import { directoriesOf, type OpenStudio, openStudio, temporaryDirectory } from "./support.js";

/** A job of an earlier run. */
interface EarlierJob {
  readonly status: "queued" | "running" | "completed" | "failed";
  /** Whether its directory has a complete video. */
  readonly hasVideo: boolean;
}

const COMPLETED: EarlierJob = { status: "completed", hasVideo: true };

/**
 * Leaves jobs and their directories, as an earlier run of the studio does. If it was long `ago`, their leases have run
 * out, and they were marked as stale.
 */
async function leave(
  dataDir: string,
  jobs: Readonly<Record<string, EarlierJob>>,
  ago?: number,
): Promise<void> {
  const database = new Database(join(dataDir, "jobs.db"));
  const store = sqliteStore({ database, clock: () => ago ?? Date.now() });
  const progress = createProgress({ store, authorize: allowAnyone, leaseMs: 60_000 });
  for (const [id, { status, hasVideo }] of Object.entries(jobs)) {
    await progress.create({ id, kind: "video" });
    await bringTo(progress, id, status);
    const directory = join(dataDir, "videos", id);
    await mkdir(directory, { recursive: true });
    if (hasVideo) await writeFile(join(directory, "final.mp4"), "bytes");
  }
  // A closed progress leaves the leases of its running jobs, as a killed process does.
  await progress.close();
  if (ago !== undefined) await store.sweep(ago + 120_000, 10);
  await store.close();
  database.close();
}

async function bringTo(
  progress: Progress,
  id: string,
  status: EarlierJob["status"],
): Promise<void> {
  if (status === "queued") return;
  const job = await progress.open(id);
  if (status === "completed") await job.complete({ videoUrl: "/somewhere" });
  if (status === "failed") await job.end("failed");
}

async function statusOf(studio: OpenStudio, jobId: string): Promise<unknown> {
  const response = await fetch(new URL(`/api/video-progress/${jobId}/status`, studio.url));
  return response.ok ? ((await response.json()) as { status: unknown }).status : response.status;
}

/** The codes of the errors of jobs. */
async function errorsOf(studio: OpenStudio, jobIds: readonly string[]): Promise<unknown[]> {
  const codes = jobIds.map(async (jobId) => {
    const response = await fetch(new URL(`/api/video-progress/${jobId}/status`, studio.url));
    return ((await response.json()) as { error: { code: unknown } | null }).error?.code;
  });
  return Promise.all(codes);
}

test("given jobs of an earlier run, keeps the finished one and ends the others at once", async () => {
  const dataDir = await temporaryDirectory();
  await leave(dataDir, {
    finished: COMPLETED,
    failed: { status: "failed", hasVideo: false },
    waiting: { status: "queued", hasVideo: false },
    running: { status: "running", hasVideo: false },
    // The earlier run was killed after the video was complete and before the job was.
    nearly: { status: "running", hasVideo: true },
  });
  const studio = await openStudio({ dataDir });
  const jobIds = ["finished", "failed", "waiting", "running", "nearly"];
  expect(await Promise.all(jobIds.map((jobId) => statusOf(studio, jobId)))).toEqual([
    "completed",
    "failed",
    "lost",
    "lost",
    "lost",
  ]);
  expect(await errorsOf(studio, ["waiting", "running", "nearly"])).toEqual([
    "server-stopped",
    "server-stopped",
    "server-stopped",
  ]);
  expect(await directoriesOf(dataDir)).toEqual(["finished"]);
  expect((await fetch(new URL("/api/videos/finished/file", studio.url))).status).toBe(200);
  expect(studio.notices).toEqual([]);
});

test("given a job that was already stale when the server was killed, the cause is the stopped server", async () => {
  const dataDir = await temporaryDirectory();
  const anHourAgo = Date.now() - 3_600_000;
  await leave(dataDir, { running: { status: "running", hasVideo: false } }, anHourAgo);
  const studio = await openStudio({ dataDir });
  expect(await errorsOf(studio, ["running"])).toEqual(["server-stopped"]);
});

test("given a deleted video, its job has expired for every reader", async () => {
  const dataDir = await temporaryDirectory();
  await leave(dataDir, { finished: COMPLETED });
  const studio = await openStudio({ dataDir });
  expect(await statusOf(studio, "finished")).toBe("completed");
  await rm(join(dataDir, "videos", "finished"), { recursive: true });
  expect(await statusOf(studio, "finished")).toBe(410);
  const stream = await fetch(new URL("/api/video-progress/finished", studio.url), {
    headers: { accept: "text/event-stream" },
  });
  expect(stream.status).toBe(410);
});

test("given a job that is no longer kept, removes its video and no other one", async () => {
  const dataDir = await temporaryDirectory();
  await leave(dataDir, { old: COMPLETED, young: COMPLETED });
  const files = await openVideoFiles(dataDir, 200, {
    isKept: async (jobId) => jobId !== "old",
    remove: async () => expect.unreachable(),
  });
  await files.make("next");
  expect((await directoriesOf(dataDir)).sort()).toEqual(["next", "young"]);
});

test("given a second start with the same port, leaves the jobs of the first one alone", async () => {
  const first = await openStudio();
  const { dataDir, url } = first;
  await leave(dataDir, { running: { status: "running", hasVideo: false } });
  const second = openStudio({ dataDir, port: Number(new URL(url).port) });
  await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(await statusOf(first, "running")).toBe("running");
  expect(await directoriesOf(dataDir)).toEqual(["running"]);
});
