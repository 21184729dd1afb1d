import { expect, test } from "vitest";
import { processesOf, untilGone } from "../test/pipeline/support.js";
import { describeInBrowser } from "./support/browser.js";
import { fallsOf, inPhase, isRendering, statusesOf } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { LONGER, SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

describeInBrowser("visitors", (browser) => {
  test("given a reload during the render, finds the job again and plays its video", async () => {
    const studio = await startStudio();
    const { page, states, until, ask, play } = await visit(browser(), studio.url);
    await ask(SHORT);
    const before = await until("frames", isRendering);
    const resume = await studio.freeze();
    await page.reload();
    const after = await until("the job again", (state) => {
      return state.loadedAt > before.loadedAt && inPhase("running")(state);
    });
    expect(after.cards).toHaveLength(1);
    expect(after.cards[0]?.percent).toBeGreaterThanOrEqual(before.cards[0]?.percent ?? 100);
    expect(await page.getByRole("button", { name: "Hủy", exact: true }).isVisible()).toBe(true);
    resume();
    await until("the video", inPhase("completed"));
    expect(fallsOf(states)).toEqual([]);
    expect(await play()).toBe(1280);
  });

  test("given a cancel during the render, stops within two seconds, and makes the next video", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url);
    await ask(LONGER);
    await until("frames", isRendering);
    const [worker = 0] = await studio.workers();
    expect((await processesOf(worker)).length).toBeGreaterThanOrEqual(2);
    await page.getByRole("button", { name: "Hủy", exact: true }).click();
    const cancelled = await until("the cancelled job", inPhase("cancelled"));
    expect(cancelled.at - cancelled.actedAt).toBeLessThan(2_000);
    expect(cancelled.cards[0]).toMatchObject({
      headline: "Đã hủy",
      explanation: "Video đã dừng theo yêu cầu.",
    });
    const statuses = cancelled.cards[0]?.steps.map(({ status }) => status);
    expect(statuses).toContain("stopped");
    expect(statuses).not.toContain("failed");
    await untilGone(worker);
    expect(await studio.videos()).toEqual([]);

    await ask(SHORT);
    const { cards } = await until("the next video", inPhase("completed"));
    expect(cards.map(({ phase }) => phase)).toEqual(["cancelled", "completed"]);
  });

  test("given a double click and three tabs, all show the same video, also after one is closed", async () => {
    const studio = await startStudio();
    const owner = await visit(browser(), studio.url);
    await owner.page.getByRole("textbox").fill(SHORT);
    await owner.page.getByRole("button", { name: "Tạo video" }).dblclick();
    await owner.until("a running job", inPhase("running"));
    const resume = await studio.freeze();
    const address = owner.page.url();
    // One tab in the same browser, and one in the browser of someone else who got the link.
    const second = await visit(browser(), address, { context: owner.context });
    const guest = await visit(browser(), address);
    for (const { until } of [second, guest]) await until("a running job", inPhase("running"));
    expect(await second.page.getByRole("button", { name: "Hủy", exact: true }).isVisible()).toBe(
      true,
    );
    expect(await guest.page.getByRole("button", { name: "Hủy", exact: true }).isHidden()).toBe(
      true,
    );
    await owner.page.close();
    resume();

    const ends = [];
    for (const { until } of [second, guest])
      ends.push(await until("the video", inPhase("completed")));
    expect(ends[0]?.cards).toEqual(ends[1]?.cards);
    expect(ends[0]?.cards).toHaveLength(1);
    for (const { states } of [second, guest]) {
      expect(fallsOf(states)).toEqual([]);
      const { render, encode } = statusesOf(states);
      expect([render, encode].map((statuses) => statuses.slice(-2))).toEqual([
        ["running", "completed"],
        ["running", "completed"],
      ]);
    }
    expect(studio.createRequests()).toBe(1);
    expect(await studio.videos()).toHaveLength(1);
  });

  test("given a tab without a link, begins with the videos of this browser that are being made", async () => {
    const studio = await startStudio();
    const first = await visit(browser(), studio.url);
    await first.ask(SHORT);
    await first.until("a running job", inPhase("running"));
    await studio.freeze();
    const fresh = await visit(browser(), studio.url, { context: first.context });
    const guest = await visit(browser(), studio.url);
    await fresh.until("a running job", inPhase("running"));
    await fresh.page.getByRole("button", { name: "Hủy", exact: true }).click();
    for (const { until } of [first, fresh]) await until("the end", inPhase("cancelled"));
    // Nothing is being made any more, so the next tab begins empty, and has the video in its list.
    const later = await visit(browser(), studio.url, { context: first.context });
    await later.until("the list", ({ list }) => list.length === 1);
    expect(later.states.at(-1)?.cards).toEqual([]);
    expect(guest.states.at(-1)?.cards).toEqual([]);
    expect(guest.states.at(-1)?.list).toEqual([]);
  });

  test("given a link to unknown videos, shows one card, and accepts a request", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), `${studio.url}/?job=nosuchvideo&job=norsuch`, {
      expected: [/status of 404/u],
    });
    const { cards } = await until("one card without a video", (state) => {
      return state.cards.length === 1 && inPhase("gone")(state);
    });
    expect(cards[0]?.explanation).toMatch(/^Liên kết sai/u);
    expect(await page.getByRole("textbox").isEditable()).toBe(true);
  });
});
