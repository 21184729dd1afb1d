import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseVideoRequest } from "@emlinh/video-studio/src/pipeline/request.js";
import type { VideoOrder } from "@emlinh/video-studio/src/server/video-jobs.js";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { REDIS_MISSING, type RedisServer, startRedis } from "../../../conformance/servers/redis.js";
import { openServices, type Services } from "../src/services.js";
import { settingsFrom } from "../src/settings.js";
import { openStore } from "../src/store.js";
import { createVideoJobs } from "../src/web/video-jobs.js";

const request = parseVideoRequest({ topic: "One short sentence.", duration: 5 });
const ORDER: VideoOrder = { request, language: "en", key: undefined };

describe.skipIf(REDIS_MISSING)("several web processes", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ args: ["--maxmemory-policy", "noeviction"] });
    return () => server.stop();
  });

  async function openWeb(env: NodeJS.ProcessEnv = {}): Promise<Services> {
    const folder = await mkdtemp(join(tmpdir(), "video-studio-cluster-"));
    const notices: string[] = [];
    const settings = settingsFrom({ ...env, REDIS_URL: server.url, VIDEO_DIR: folder });
    const services = await openServices(settings, (notice) => notices.push(notice));
    onTestFinished(async () => {
      await services.close();
      await rm(folder, { recursive: true, force: true });
      expect(notices).toEqual([]);
    });
    return services;
  }

  async function openEmptyWeb(env?: NodeJS.ProcessEnv): Promise<Services> {
    const services = await openWeb(env);
    await services.redis.flushall();
    return services;
  }

  test("given the same key at two of them at once, create one job and queue it once", async () => {
    const webs = [await openEmptyWeb(), await openWeb()];
    const order = { ...ORDER, key: "a double click" };
    const created = await Promise.all(webs.map((web) => createVideoJobs(web).create(order)));
    const [one, other] = created.map((it) => ("jobId" in it ? it.jobId : it));
    expect(one).toEqual(other);
    expect(await webs[0]?.queue.getWaitingCount()).toBe(1);
  });

  test("given one that died before it queued its job, another one queues it for the repeated request", async () => {
    const web = await openEmptyWeb();
    const order = { ...ORDER, key: "sent again" };
    const jobs = createVideoJobs(web);
    const created = await jobs.create(order);
    await web.queue.drain();
    expect(await web.queue.getWaitingCount()).toBe(0);
    const again = await createVideoJobs(await openWeb()).create(order);
    expect(again).toEqual({ ...created, position: undefined });
    expect(await web.queue.getWaitingCount()).toBe(1);
  });

  test("given a full queue, refuse and create no job", async () => {
    const web = await openEmptyWeb({ MAX_WAITING: "2" });
    const jobs = createVideoJobs(web);
    expect(await jobs.create(ORDER)).toMatchObject({ position: 1 });
    expect(await jobs.create(ORDER)).toMatchObject({ position: 2 });
    expect(await jobs.create(ORDER)).toEqual({ refused: "full" });
  });

  test("given a cancel at another one, remove the job from the queue and move up those behind it", async () => {
    const [web, other] = [await openEmptyWeb(), await openWeb()];
    const jobs = createVideoJobs(web);
    const [first, second] = [await jobs.create(ORDER), await jobs.create(ORDER)];
    if (!("jobId" in first && "jobId" in second)) throw new Error("They were refused.");
    await other.progress.cancel(first.jobId);
    await createVideoJobs(other).removeCancelled(first.jobId);
    expect(await web.queue.getWaitingCount()).toBe(1);
    expect(await web.progress.status(second.jobId)).toMatchObject({
      metadata: { queuePosition: 1 },
      message: "Your video is next.",
    });
  });

  test("given the times of short videos, expect those of a long one to be as many times longer", async () => {
    const web = await openEmptyWeb();
    const { store, close } = openStore(web.settings, () => {});
    onTestFinished(close);
    for (const seconds of [6, 8, 12])
      await store.learn("video", { render: 200 * seconds, "render/size": 200 });
    const long = parseVideoRequest({ topic: "Green tea", duration: 40 });
    const created = await createVideoJobs(web).create({ ...ORDER, request: long });
    const state = "jobId" in created ? await web.progress.status(created.jobId) : undefined;
    const { expectedMs } = state?.plan.find(({ id }) => id === "render") ?? {};
    expect(expectedMs).toBeCloseTo(8000, -1);
  });

  test("given a close, refuse", async () => {
    const jobs = createVideoJobs(await openEmptyWeb());
    await jobs.close();
    expect(await jobs.create(ORDER)).toEqual({ refused: "stopping" });
  });
});
