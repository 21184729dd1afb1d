import { beforeAll, describe, expect, test } from "vitest";
import type { Record } from "../../../conformance/faults/record.js";
import type { Viewer } from "../../../conformance/faults/viewer.js";
import { NGINX_MISSING } from "../../../conformance/servers/nginx.js";
import {
  POSTGRES_MISSING,
  type PostgresServer,
  startPostgres,
} from "../../../conformance/servers/postgres.js";
import { REDIS_MISSING } from "../../../conformance/servers/redis.js";
import {
  childrenOf,
  createVideo,
  expectCorrect,
  isAlive,
  openViewers,
  startCluster,
  type TestCluster,
} from "./support/cluster-fixture.js";

const TOPICS = ["Trí tuệ nhân tạo", "Vì sao bầu trời màu xanh?"] as const;
const VIEWERS = 4;
/** Enough for two videos on two busy cores. */
const LIMIT_MS = 90_000;
/** The test gets no event when a process of another one exits, so it polls. */
const POLLING = { timeout: 15_000, interval: 50 } as const;

interface Watched {
  readonly jobId: string;
  readonly viewers: readonly Viewer[];
}

/** Requests a video of a length in seconds, and opens viewers at both web processes. */
async function watchNewVideo(
  cluster: TestCluster,
  topic: string,
  duration: number,
): Promise<Watched> {
  const { jobId } = await createVideo(cluster, { topic, duration });
  return { jobId, viewers: await openViewers(cluster, jobId, VIEWERS) };
}

function untilAll(
  { viewers }: Watched,
  what: string,
  condition: (record: Record) => boolean,
): Promise<readonly Record[]> {
  return Promise.all(viewers.map((viewer) => viewer.until(what, condition)));
}

const isRendering = ({ job }: Record): boolean => (job?.steps.render?.percent ?? 0) > 2;
const hasEnded = ({ ends }: Record): boolean => ends > 0;

const STORES = [
  { store: "redis", missing: NGINX_MISSING ?? REDIS_MISSING },
  { store: "postgres", missing: NGINX_MISSING ?? REDIS_MISSING ?? POSTGRES_MISSING },
] as const;

describe.each(STORES)("the studio on many processes, with $store", ({ store, missing }) => {
  let database: PostgresServer | undefined;
  beforeAll(async () => {
    if (store !== "postgres" || missing !== undefined) return;
    database = await startPostgres();
    return () => database?.stop();
  });

  async function start(): Promise<TestCluster> {
    return startCluster({ STORE: store, DATABASE_URL: await database?.newDatabase() });
  }

  test.skipIf(missing)(
    "given two videos, and a web process and a worker that are killed, makes both for every viewer",
    { timeout: LIMIT_MS },
    async () => {
      const cluster = await start();
      const watched = await Promise.all(TOPICS.map((topic) => watchNewVideo(cluster, topic, 12)));
      await Promise.all(watched.map((it) => untilAll(it, "a running render step", isRendering)));

      const [web, worker] = [cluster.webs[0], cluster.workers[0]];
      const pipelines = await childrenOf(worker?.pid ?? 0);
      expect(pipelines).toHaveLength(1);
      await Promise.all([web?.stop("SIGKILL"), worker?.stop("SIGKILL")]);
      const records = await Promise.all(watched.map((it) => untilAll(it, "the end", hasEnded)));

      for (const [index, { jobId }] of watched.entries())
        for (const record of records[index] ?? [])
          await expectCorrect(cluster.store, jobId, record);
      const ends = records.map(([record]) => record?.job);
      expect(ends.map((job) => job?.status)).toEqual(["completed", "completed"]);
      // The video of the killed worker was made again. The other one was not interrupted.
      expect(ends.map((job) => job?.attempt).sort()).toEqual([1, 2]);
      // The viewers at the killed web process reconnected to the other one. The rest noticed nothing.
      const cut = records.flat().filter(({ connections }) => connections.includes("waiting"));
      expect(cut.length).toBeGreaterThan(0);
      expect(cut.length).toBeLessThan(2 * VIEWERS);
      for (const job of ends) await expectPlayable(cluster, job?.result);
      await expect.poll(() => pipelines.filter(isAlive), POLLING).toEqual([]);
    },
  );
});

describe("the studio on many processes, with one attempt", () => {
  test.skipIf(NGINX_MISSING ?? REDIS_MISSING)(
    "given a killed worker, its video ends as lost for every viewer, and the other one can be cancelled",
    { timeout: LIMIT_MS },
    async () => {
      const cluster = await startCluster({ STORE: "redis", ATTEMPTS: "1" });
      const watched = await Promise.all(TOPICS.map((topic) => watchNewVideo(cluster, topic, 60)));
      await Promise.all(watched.map((it) => untilAll(it, "a running render step", isRendering)));
      await cluster.workers[0]?.stop("SIGKILL");
      const lost = await Promise.race(
        watched.map(async (it) => {
          await it.viewers[0]?.until("the status lost", ({ job }) => job?.status === "lost");
          return it;
        }),
      );
      for (const record of await untilAll(lost, "the end", hasEnded)) {
        await expectCorrect(cluster.store, lost.jobId, record);
        expect(record.job).toMatchObject({ attempt: 1, error: { code: "worker-died" } });
      }
      // The other video is long enough to be unfinished.
      await cancel(
        cluster,
        watched.find((it) => it !== lost),
      );
    },
  );
});

/** Cancels at any web process. The worker gets the cancel. */
async function cancel(cluster: TestCluster, watched: Watched | undefined): Promise<void> {
  if (watched === undefined) throw new Error("There is no job to cancel.");
  const path = `/api/video-progress/${watched.jobId}/cancel`;
  const { status } = await fetch(new URL(path, cluster.url), { method: "POST" });
  expect(status).toBe(202);
  for (const record of await untilAll(watched, "the end", hasEnded)) {
    await expectCorrect(cluster.store, watched.jobId, record);
    expect(record.job?.status).toBe("cancelled");
  }
}

/** Every web process serves the file, in ranges. */
async function expectPlayable({ url }: TestCluster, result: unknown): Promise<void> {
  const { videoUrl, bytes } = result as { readonly videoUrl: string; readonly bytes: number };
  const response = await fetch(new URL(videoUrl, url), { headers: { range: "bytes=0-9" } });
  expect(response.status).toBe(206);
  expect(response.headers.get("content-range")).toBe(`bytes 0-9/${bytes}`);
  await response.arrayBuffer();
}
