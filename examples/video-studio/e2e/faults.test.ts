import { kill } from "node:process";
import { expect, test } from "vitest";
import type { ProxiedRequest } from "../../../conformance/faults/fault-proxy.js";
import { untilGone } from "../test/pipeline/support.js";
import { describeInBrowser } from "./support/browser.js";
import { fallsOf, inPhase, isRendering, statusesOf } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { LONGER, SHORT } from "./support/topics.js";
import { NETWORK_ERROR, visit } from "./support/visit.js";

const HTML = {
  kind: "answer",
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<h1>Welcome to the hotel</h1>",
} as const;

/** Records the requests for streams. */
function streamRequests() {
  const requests: ProxiedRequest[] = [];
  const waiting = new Set<() => void>();
  return {
    note(request: ProxiedRequest) {
      if (!request.stream) return;
      requests.push(request);
      for (const check of waiting) check();
    },
    /** Resolves when there were this many requests. */
    count: (wanted: number) =>
      new Promise<void>((resolve) => {
        const check = () => void (requests.length >= wanted && resolve());
        waiting.add(check);
        check();
      }),
  };
}

describeInBrowser("faults", (browser) => {
  test("given a connection that is cut for a while, shows it and continues from the same percent", async () => {
    const studio = await startStudio();
    const { page, states, until, ask } = await visit(browser(), studio.url, {
      expected: [NETWORK_ERROR],
    });
    await ask(SHORT);
    const before = await until("frames", isRendering);
    const resume = await studio.freeze();
    studio.proxy.setFaults(() => ({ kind: "refuse" }));
    studio.proxy.cutAll();
    const cut = await until("the banner", ({ banner }) => banner !== "");
    expect(cut.cards[0]?.phase).toBe("running");
    await page.getByText("Không liên lạc được với xưởng video.").waitFor();

    studio.proxy.setFaults(() => ({ kind: "pass" }));
    // Not with the pointer: the connection may be back, and the button hidden, before the pointer gets there.
    await page
      .getByRole("button", { name: "Thử ngay", includeHidden: true })
      .dispatchEvent("click");
    const back = await until("no banner", ({ banner }) => banner === "");
    expect(back.cards[0]?.phase).toBe("running");
    expect(back.cards[0]?.percent).toBeGreaterThanOrEqual(before.cards[0]?.percent ?? 100);
    resume();
    await until("the video", inPhase("completed"));
    expect(fallsOf(states)).toEqual([]);
    for (const statuses of Object.values(statusesOf(states)))
      expect(new Set(statuses).size).toBe(statuses.length);
  });

  test("given a device that goes offline, shows it, and shows the end when it is online again", async () => {
    const studio = await startStudio();
    const { context, states, until, ask } = await visit(browser(), studio.url, {
      expected: [NETWORK_ERROR],
    });
    await ask(SHORT);
    await until("frames", isRendering);
    const resume = await studio.freeze();
    await context.setOffline(true);
    studio.proxy.cutAll();
    await until("the offline banner", ({ banner }) => banner === "offline");
    resume();
    await context.setOffline(false);
    await until("no banner", ({ banner }) => banner === "");
    await until("the video", inPhase("completed"));
    expect(fallsOf(states)).toEqual([]);
  });

  test("given a server that is killed and restarted, plays the finished video and repeats the lost one", async () => {
    const studio = await startStudio();
    const { page, until, ask, play } = await visit(browser(), studio.url, {
      expected: [NETWORK_ERROR],
    });
    await ask(SHORT);
    await until("the first video", inPhase("completed"));
    await ask(LONGER);
    await until(
      "the second one running",
      ({ cards }) => cards.length === 2 && cards[1]?.phase === "running",
    );
    await studio.kill();
    const startedAt = Date.now();
    await studio.start();
    const lost = await until("the lost job", inPhase("lost"));
    expect(lost.at - startedAt).toBeLessThan(10_000);
    expect(lost.cards.map(({ phase }) => phase)).toEqual(["completed", "lost"]);
    expect(lost.cards[1]).toMatchObject({
      headline: "Video bị dừng giữa chừng",
      explanation: "Xưởng video đóng lại trước khi làm xong. Bạn có thể thử lại ngay.",
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

  test("given a worker that is killed, shows the lost job within seconds", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    await until("frames", isRendering);
    await studio.freeze();
    const [worker = 0] = await studio.workers();
    const killedAt = Date.now();
    kill(worker, "SIGKILL");
    const lost = await until("the lost job", inPhase("lost"));
    expect(lost.at - killedAt).toBeLessThan(5_000);
    expect(lost.cards[0]).toMatchObject({
      headline: "Video bị dừng giữa chừng",
      explanation: "Xưởng video gặp sự cố khi đang làm video này. Bạn có thể thử lại ngay.",
    });
    const { steps = [] } = lost.cards[0] ?? {};
    expect(steps.map(({ status }) => status)).not.toContain("running");
    expect(steps.map(({ status }) => status)).toContain("stopped");
    expect(await page.getByRole("button", { name: "Thử lại" }).isVisible()).toBe(true);
    await untilGone(worker);
  });

  test("given a proxy that answers with HTML, polls, and streams again when it can", async () => {
    const studio = await startStudio();
    const streams = streamRequests();
    studio.proxy.setFaults((request) => {
      streams.note(request);
      return request.stream ? HTML : { kind: "pass" };
    });
    const { page, states, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    // The video must stay unfinished: it may be made before the second stream is requested.
    await streams.count(1);
    const resume = await studio.freeze();
    // The banner appears with the first poll, before its answer.
    await until(
      "progress by polls",
      (state) => state.banner === "polling" && inPhase("running")(state),
    );
    studio.proxy.setFaults(() => ({ kind: "pass" }));
    await page.evaluate(() => dispatchEvent(new Event("online")));
    const streaming = await until("the stream", ({ banner }) => banner === "");
    expect(streaming.cards[0]?.phase).toBe("running");
    resume();
    await until("the video", inPhase("completed"));
    expect(fallsOf(states)).toEqual([]);
  });

  test("given a proxy that never answers streams, polls to the end", async () => {
    const studio = await startStudio();
    const streams = streamRequests();
    studio.proxy.setFaults((request) => {
      streams.note(request);
      return { kind: request.stream ? "swallow" : "pass" };
    });
    const { page, states, until, ask } = await visit(browser(), studio.url, {
      // The clock skips the ten seconds after which a stream without data is given up.
      prepare: (page) => page.clock.install(),
    });
    await ask(SHORT);
    await streams.count(1);
    const resume = await studio.freeze();
    await page.clock.fastForward(10_000);
    await streams.count(2);
    await page.clock.fastForward(10_000);
    await until("the polling banner", ({ banner }) => banner === "polling");
    resume();
    await until("progress by polls", isRendering);
    await until("the video", inPhase("completed"));
    expect(fallsOf(states)).toEqual([]);
  });
});
