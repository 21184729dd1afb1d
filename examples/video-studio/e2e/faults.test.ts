import { kill } from "node:process";
import { expect, test } from "vitest";
import type { ProxiedRequest } from "../../../conformance/faults/fault-proxy.js";
import { untilGone } from "../test/pipeline/support.js";
import { describeInBrowser } from "./support/browser.js";
import { drawing, fallsOf, historyOf, inPhase } from "./support/sights.js";
import { startStudio } from "./support/studio-process.js";
import { LONGER, SHORT } from "./support/topics.js";
import { NETWORK_TROUBLE, visit } from "./support/visit.js";

const HTML = {
  kind: "answer",
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<h1>Welcome to the hotel</h1>",
} as const;

/** Told of each stream that is asked for, in order. */
function streamRequests() {
  const came: ProxiedRequest[] = [];
  const waiting = new Set<() => void>();
  return {
    note(request: ProxiedRequest) {
      if (!request.stream) return;
      came.push(request);
      for (const look of waiting) look();
    },
    count: (wanted: number) =>
      new Promise<void>((resolve) => {
        const look = () => void (came.length >= wanted && resolve());
        waiting.add(look);
        look();
      }),
  };
}

describeInBrowser("trouble", (browser) => {
  test("given that the line is cut for a while, says so, and goes on from where it was", async () => {
    const studio = await startStudio();
    const { page, sights, until, ask } = await visit(browser(), studio.url, {
      expected: [NETWORK_TROUBLE],
    });
    await ask(SHORT);
    const before = await until("frames", drawing);
    const goOn = await studio.freeze();
    studio.proxy.setFaults(() => ({ kind: "refuse" }));
    studio.proxy.cutAll();
    const cut = await until("the banner", ({ banner }) => banner !== "");
    expect(cut.cards[0]?.phase).toBe("running");
    await page.getByText("Mất kết nối. Video vẫn đang được làm.").waitFor();

    studio.proxy.setFaults(() => ({ kind: "pass" }));
    // Not by the pointer: the line may be back, and the button gone, before it gets there.
    await page
      .getByRole("button", { name: "Thử ngay", includeHidden: true })
      .dispatchEvent("click");
    const back = await until("the line again", ({ banner }) => banner === "");
    expect(back.cards[0]?.phase).toBe("running");
    expect(back.cards[0]?.percent).toBeGreaterThanOrEqual(before.cards[0]?.percent ?? 100);
    goOn();
    await until("the video", inPhase("completed"));
    expect(fallsOf(sights)).toEqual([]);
    for (const way of Object.values(historyOf(sights))) expect(new Set(way).size).toBe(way.length);
  });

  test("given that the device goes offline, says so, and knows the end as soon as it is back", async () => {
    const studio = await startStudio();
    const { context, sights, until, ask } = await visit(browser(), studio.url, {
      expected: [NETWORK_TROUBLE],
    });
    await ask(SHORT);
    await until("frames", drawing);
    const goOn = await studio.freeze();
    await context.setOffline(true);
    studio.proxy.cutAll();
    await until("that it is offline", ({ banner }) => banner === "offline");
    goOn();
    await context.setOffline(false);
    await until("the line again", ({ banner }) => banner === "");
    await until("the video", inPhase("completed"));
    expect(fallsOf(sights)).toEqual([]);
  });

  test("given that the server is killed and started again, still plays what was finished, says what is lost, and makes it anew", async () => {
    const studio = await startStudio();
    const { page, until, ask, play } = await visit(browser(), studio.url, {
      expected: [NETWORK_TROUBLE],
    });
    await ask(SHORT);
    await until("the first video", inPhase("completed"));
    await ask(LONGER);
    await until(
      "the second one at work",
      ({ cards }) => cards.length === 2 && cards[1]?.phase === "running",
    );
    await studio.kill();
    const startedAt = Date.now();
    await studio.start();
    const lost = await until("that it is lost", inPhase("lost"));
    expect(lost.at - startedAt).toBeLessThan(10_000);
    expect(lost.cards.map(({ phase }) => phase)).toEqual(["completed", "lost"]);
    expect(lost.cards[1]).toMatchObject({
      headline: "Máy dựng đã ngừng giữa chừng",
      explanation: "Tiến trình dựng video bị dừng đột ngột. Bạn có thể thử lại ngay.",
    });
    expect(lost.cards[1]?.steps.filter(({ status }) => status === "running")).toEqual([]);

    await page.reload();
    const later = await until("both after a reload", ({ loadedAt, cards }) => {
      const isThere = cards.length === 2 && cards.every(({ phase }) => phase !== "joining");
      return loadedAt > lost.loadedAt && isThere;
    });
    expect(later.cards.map(({ phase, video }) => [phase, video])).toEqual([
      ["completed", true],
      ["lost", false],
    ]);
    expect(await play()).toBe(1280);
    await page.getByRole("button", { name: "Thử lại" }).click();
    const again = await until(
      "the third video",
      ({ cards }) => cards.length === 3 && cards[2]?.phase === "completed",
    );
    expect(again.cards.map(({ phase }) => phase)).toEqual(["completed", "lost", "completed"]);
  });

  test("given that the worker is killed, says that it is lost, within seconds", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    await until("frames", drawing);
    await studio.freeze();
    const [worker = 0] = await studio.workers();
    const killedAt = Date.now();
    kill(worker, "SIGKILL");
    const lost = await until("that it is lost", inPhase("lost"));
    expect(lost.at - killedAt).toBeLessThan(5_000);
    expect(lost.cards[0]).toMatchObject({
      headline: "Máy dựng đã ngừng giữa chừng",
      explanation: "Tiến trình dựng video bị dừng đột ngột. Bạn có thể thử lại ngay.",
    });
    const { steps = [] } = lost.cards[0] ?? {};
    expect(steps.map(({ status }) => status)).not.toContain("running");
    expect(steps.map(({ status }) => status)).toContain("stopped");
    expect(await page.getByRole("button", { name: "Thử lại" }).isVisible()).toBe(true);
    await untilGone(worker);
  });

  test("given a proxy that answers HTML in place of the stream, polls, and streams again when it can", async () => {
    const studio = await startStudio();
    const streams = streamRequests();
    studio.proxy.setFaults((request) => {
      streams.note(request);
      return request.stream ? HTML : { kind: "pass" };
    });
    const { page, sights, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    // Midway is where it has to stay: the video may be made before the second stream is asked for.
    await streams.count(1);
    const goOn = await studio.freeze();
    // The first poll is under way before it is answered.
    await until(
      "progress by polls",
      (sight) => sight.banner === "polling" && inPhase("running")(sight),
    );
    studio.proxy.setFaults(() => ({ kind: "pass" }));
    await page.evaluate(() => dispatchEvent(new Event("online")));
    const streaming = await until("the stream", ({ banner }) => banner === "");
    expect(streaming.cards[0]?.phase).toBe("running");
    goOn();
    await until("the video", inPhase("completed"));
    expect(fallsOf(sights)).toEqual([]);
  });

  test("given a proxy that is mute to streams, polls to the end", async () => {
    const studio = await startStudio();
    const streams = streamRequests();
    studio.proxy.setFaults((request) => {
      streams.note(request);
      return { kind: request.stream ? "swallow" : "pass" };
    });
    const { page, sights, until, ask } = await visit(browser(), studio.url, {
      // So that the ten seconds that a stream is given needn't be waited for.
      prepare: (page) => page.clock.install(),
    });
    await ask(SHORT);
    await streams.count(1);
    const goOn = await studio.freeze();
    await page.clock.fastForward(10_000);
    await streams.count(2);
    await page.clock.fastForward(10_000);
    await until("that it polls", ({ banner }) => banner === "polling");
    goOn();
    await until("progress by polls", drawing);
    await until("the video", inPhase("completed"));
    expect(fallsOf(sights)).toEqual([]);
  });
});
