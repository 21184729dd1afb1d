import process from "node:process";
import { expect, test } from "vitest";
import { NGINX_MISSING } from "../../../conformance/servers/nginx.js";
import { REDIS_MISSING } from "../../../conformance/servers/redis.js";
import type { Supervised } from "../src/launcher/supervised.js";
import {
  childrenOf,
  createVideo,
  expectCorrect,
  isAlive,
  openViewers,
  startCluster,
} from "./support/cluster-fixture.js";

/** The test gets no event when a process of another one exits, so it polls. */
const POLLING = { timeout: 15_000, interval: 50 } as const;

async function killAndAwait(supervised: Supervised | undefined): Promise<void> {
  if (supervised === undefined) throw new Error("There is no process to kill.");
  const { pid } = supervised;
  process.kill(pid, "SIGKILL");
  await expect.poll(() => supervised.pid, POLLING).not.toBe(pid);
  expect(isAlive(supervised.pid), `${supervised.name} is alive`).toBe(true);
}

test.skipIf(NGINX_MISSING ?? REDIS_MISSING)(
  "given any process that is killed during a video, starts it again, and every viewer gets the video",
  { timeout: 90_000 },
  async () => {
    const cluster = await startCluster({ STORE: "redis" });
    const { jobId } = await createVideo(cluster, { topic: "Trí tuệ nhân tạo", duration: 8 });
    const viewers = await openViewers(cluster, jobId, 2);
    await viewers[0]?.until("a running render step", ({ job }) => {
      return (job?.steps.render?.percent ?? 0) > 2;
    });
    const killed = [cluster.nginx, cluster.redis, ...cluster.webs];
    for (const it of killed) await killAndAwait(it);
    // On a slow machine the video may have moved to the other worker in the meantime.
    for (const worker of cluster.workers) {
      if ((await childrenOf(worker.pid)).length === 0) continue;
      killed.push(worker);
      await killAndAwait(worker);
    }

    for (const viewer of viewers) {
      const record = await viewer.until("the end", ({ ends }) => ends > 0);
      expect(record.job?.status).toBe("completed");
      await expectCorrect(cluster.store, jobId, record);
    }
    for (const it of killed)
      expect(cluster.lines).toContain(`cluster: ${it?.name} runs again, as process ${it?.pid}.`);
    // The processes that were started again take the next video too.
    const next = await createVideo(cluster, { topic: "Xin chào", duration: 5 });
    const [viewer] = await openViewers(cluster, next.jobId, 1);
    await viewer?.until("its first step", ({ job }) => job?.status === "running");
  },
);
