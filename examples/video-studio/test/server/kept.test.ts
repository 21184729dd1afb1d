import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Fields } from "@emlinh/progress-server";
import { sqliteStore } from "@emlinh/progress-server/stores/sqlite";
import Database from "libsql";
import { expect, test } from "vitest";
import { openVideoFiles } from "../../src/server/video-files.js";
import { directoriesOf, type OpenStudio, openStudio, temporaryDirectory } from "./support.js";

const COMPLETED = { status: "completed", result: { videoUrl: "/somewhere" } };

/** Jobs as an earlier run of the studio left them, by id: what it wrote last, and whether a whole video is there. */
async function leave(
  dataDir: string,
  jobs: Readonly<Record<string, { readonly set: Fields; readonly isWhole: boolean }>>,
): Promise<void> {
  const database = new Database(join(dataDir, "jobs.db"));
  const store = sqliteStore({ database });
  for (const [id, { set, isWhole }] of Object.entries(jobs)) {
    await store.create({ id, set: { kind: "video", status: "queued", attempt: 1 } });
    if (Object.keys(set).length > 0) await store.write(id, { set, log: [], leaseMs: 60_000 });
    const directory = join(dataDir, "videos", id);
    await mkdir(directory, { recursive: true });
    if (isWhole) await writeFile(join(directory, "final.mp4"), "bytes");
  }
  await store.close();
  database.close();
}

async function statusOf(studio: OpenStudio, jobId: string): Promise<unknown> {
  const response = await fetch(new URL(`/api/video-progress/${jobId}/status`, studio.url));
  return response.ok ? ((await response.json()) as { status: unknown }).status : response.status;
}

test("given what an earlier run left, keeps what was finished, and ends the rest at once", async () => {
  const dataDir = await temporaryDirectory();
  await leave(dataDir, {
    finished: { set: COMPLETED, isWhole: true },
    failed: { set: { status: "failed" }, isWhole: false },
    waiting: { set: {}, isWhole: false },
    running: { set: { status: "running" }, isWhole: false },
    // Killed between the last frame and the word of it.
    nearly: { set: { status: "running" }, isWhole: true },
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
  expect(await directoriesOf(dataDir)).toEqual(["finished"]);
  expect((await fetch(new URL("/api/videos/finished/file", studio.url))).status).toBe(200);
  expect(studio.notices).toEqual([]);
});

test("given a video that is no longer there, its job has expired for every reader", async () => {
  const dataDir = await temporaryDirectory();
  await leave(dataDir, { finished: { set: COMPLETED, isWhole: true } });
  const studio = await openStudio({ dataDir });
  expect(await statusOf(studio, "finished")).toBe("completed");
  await rm(join(dataDir, "videos", "finished"), { recursive: true });
  expect(await statusOf(studio, "finished")).toBe(410);
  const stream = await fetch(new URL("/api/video-progress/finished", studio.url), {
    headers: { accept: "text/event-stream" },
  });
  expect(stream.status).toBe(410);
});

test("given jobs that have expired, their videos make room, and no other", async () => {
  const dataDir = await temporaryDirectory();
  await leave(dataDir, {
    old: { set: COMPLETED, isWhole: true },
    young: { set: COMPLETED, isWhole: true },
  });
  const files = await openVideoFiles(dataDir, 200, async (jobId) => jobId === "old");
  await files.make("next");
  expect((await directoriesOf(dataDir)).sort()).toEqual(["next", "young"]);
});

test("given a second start at the same port, leaves the first one's jobs alone", async () => {
  const first = await openStudio();
  const { dataDir, url } = first;
  await leave(dataDir, { running: { set: { status: "running" }, isWhole: false } });
  const second = openStudio({ dataDir, port: Number(new URL(url).port) });
  await expect(second).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(await statusOf(first, "running")).toBe("running");
  expect(await directoriesOf(dataDir)).toEqual(["running"]);
});
