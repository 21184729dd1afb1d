import process from "node:process";
import { describeInBrowser } from "@emlinh/video-studio/e2e/support/browser.js";
import { NETWORK_ERROR, visit } from "@emlinh/video-studio/e2e/support/visit.js";
import { expect, test } from "vitest";
import { NGINX_MISSING } from "../../../conformance/servers/nginx.js";
import { REDIS_MISSING } from "../../../conformance/servers/redis.js";
import { childrenOf, startCluster, type TestCluster } from "../test/support/cluster-fixture.js";

/** The browser's message about a stream that ended because its server was killed. */
const CUT = /net::ERR_INCOMPLETE_CHUNKED_ENCODING/u;
/** nginx's answer while a process behind it is being started again. */
const BAD_GATEWAY = /status of 50[234]/u;

describeInBrowser("the page of the studio on many processes", (browser) => {
  test.skipIf(NGINX_MISSING ?? REDIS_MISSING)(
    "given a process of each kind that is killed, shows the next attempt and its video",
    async () => {
      const cluster = await startCluster({ STORE: "redis" });
      const { page, states, until, ask } = await visit(browser(), cluster.url, {
        expected: [CUT, NETWORK_ERROR, BAD_GATEWAY],
      });
      await ask("Trí tuệ nhân tạo");
      await until("a preview frame", ({ cards }) => cards[0]?.preview === true);
      const { webs, nginx, redis } = cluster;
      const killed = [webs[0], nginx, redis, await workerAtWork(cluster)];
      for (const it of killed) process.kill(it?.pid ?? 0, "SIGKILL");
      const again = await until("the next attempt", ({ cards }) => {
        return cards[0]?.phase === "running" && cards[0].headline.endsWith("lần thử 2");
      });
      const { cards, banner } = await until("the video", (state) => state.cards[0]?.video === true);
      expect(cards[0]?.phase).toBe("completed");
      expect(banner).toBe("");
      expect(await page.locator("video").evaluate(widthOf)).toBe(1280);
      // Between the two attempts the video was only queued, and never shown as lost.
      const phases = new Set(states.map((state) => state.cards[0]?.phase));
      expect(phases).not.toContain("lost");
      expect(phases).not.toContain("gone");
      expect(again.cards[0]?.percent ?? 0).toBeLessThan(100);
    },
  );
});

/** The width of a video, once its first frame is loaded. Runs in the page. */
async function widthOf(element: Element): Promise<number> {
  const video = element as HTMLVideoElement;
  video.preload = "auto";
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA)
    await new Promise((resolve) => video.addEventListener("loadeddata", resolve, { once: true }));
  return video.videoWidth;
}

/** The worker whose pipeline is running. */
async function workerAtWork({
  workers,
}: TestCluster): Promise<TestCluster["workers"][number] | undefined> {
  for (const worker of workers) if ((await childrenOf(worker.pid)).length > 0) return worker;
  return undefined;
}
