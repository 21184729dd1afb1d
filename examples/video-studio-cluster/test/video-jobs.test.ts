import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseVideoRequest } from "@emlinh/video-studio/src/pipeline/request.js";
import type { Wish } from "@emlinh/video-studio/src/server/video-jobs.js";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../../../conformance/servers/redis.js";
import { openRooms, type Rooms } from "../src/rooms.js";
import { settingsFrom } from "../src/settings.js";
import { createVideoJobs } from "../src/web/video-jobs.js";

const request = parseVideoRequest({ topic: "One short sentence.", duration: 5 });
const WISH: Wish = { request, language: "en", key: undefined };

describe.skipIf(REDIS_MISSING)("jobs of several web processes", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ["--maxmemory-policy", "noeviction"] });
    return () => server.stop();
  });

  async function openWeb(env: NodeJS.ProcessEnv = {}): Promise<Rooms> {
    const folder = await mkdtemp(join(tmpdir(), "video-studio-cluster-"));
    const notices: string[] = [];
    const settings = settingsFrom({ ...env, REDIS_URL: server.url, VIDEO_DIR: folder });
    const rooms = await openRooms(settings, (notice) => notices.push(notice));
    onTestFinished(async () => {
      await rooms.close();
      await rm(folder, { recursive: true, force: true });
      expect(notices).toEqual([]);
    });
    return rooms;
  }

  async function openEmptyWeb(env?: NodeJS.ProcessEnv): Promise<Rooms> {
    const rooms = await openWeb(env);
    await rooms.redis.flushall();
    return rooms;
  }

  test("given the same key at two of them at once, make one job, once in the queue", async () => {
    const webs = [await openEmptyWeb(), await openWeb()];
    const wish = { ...WISH, key: "a double click" };
    const taken = await Promise.all(webs.map((web) => createVideoJobs(web).create(wish)));
    const [one, other] = taken.map((it) => ("jobId" in it ? it.jobId : it));
    expect(one).toEqual(other);
    expect(await webs[0]?.queue.getWaitingCount()).toBe(1);
  });

  test("given one that died after the job was made, another puts it into the queue when it is asked for again", async () => {
    const web = await openEmptyWeb();
    const wish = { ...WISH, key: "sent again" };
    const jobs = createVideoJobs(web);
    const taken = await jobs.create(wish);
    await web.queue.drain();
    expect(await web.queue.getWaitingCount()).toBe(0);
    const again = await createVideoJobs(await openWeb()).create(wish);
    expect(again).toEqual({ ...taken, position: undefined });
    expect(await web.queue.getWaitingCount()).toBe(1);
  });

  test("given a full queue, refuse, and make no job", async () => {
    const web = await openEmptyWeb({ MAX_WAITING: "2" });
    const jobs = createVideoJobs(web);
    expect(await jobs.create(WISH)).toMatchObject({ position: 1 });
    expect(await jobs.create(WISH)).toMatchObject({ position: 2 });
    expect(await jobs.create(WISH)).toEqual({ refused: "full" });
  });

  test("given a cancel at another of them, the job leaves the queue, and those behind it move up", async () => {
    const [web, other] = [await openEmptyWeb(), await openWeb()];
    const jobs = createVideoJobs(web);
    const [first, second] = [await jobs.create(WISH), await jobs.create(WISH)];
    if (!("jobId" in first && "jobId" in second)) throw new Error("They were refused.");
    await other.progress.cancel(first.jobId);
    await createVideoJobs(other).leave(first.jobId);
    expect(await web.queue.getWaitingCount()).toBe(1);
    expect(await web.progress.status(second.jobId)).toMatchObject({
      metadata: { queuePosition: 1 },
      message: "Your video is next.",
    });
  });

  test("given one that closes, refuses", async () => {
    const jobs = createVideoJobs(await openEmptyWeb());
    await jobs.close();
    expect(await jobs.create(WISH)).toEqual({ refused: "stopping" });
  });
});
