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
    expect(await page.getByRole("button", { name: "Hủy" }).isVisible()).toBe(true);
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
    await page.getByRole("button", { name: "Hủy" }).click();
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
    expect(await second.page.getByRole("button", { name: "Hủy" }).isVisible()).toBe(true);
    expect(await guest.page.getByRole("button", { name: "Hủy" }).isHidden()).toBe(true);
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

  test("given new tabs without a link, shows the videos of this browser in each, and who may cancel", async () => {
    const studio = await startStudio();
    const first = await visit(browser(), studio.url);
    const open = await visit(browser(), studio.url, { context: first.context });
    await first.ask(SHORT);
    await first.until("a running job", inPhase("running"));
    await studio.freeze();
    // A tab that was open before shows the video too, and so does a new one.
    const fresh = await visit(browser(), studio.url, { context: first.context });
    const guest = await visit(browser(), studio.url);
    for (const { page, until } of [open, fresh]) {
      await until("a running job", inPhase("running"));
      expect(await page.getByRole("button", { name: "Hủy" }).isVisible()).toBe(true);
    }
    await fresh.page.getByRole("button", { name: "Hủy" }).click();
    for (const { until } of [first, open, fresh]) await until("the end", inPhase("cancelled"));
    const later = await visit(browser(), studio.url, { context: first.context });
    await later.until("the end", inPhase("cancelled"));
    expect(guest.states.at(-1)?.cards).toEqual([]);
  });

  test("given many ended videos, a new tab shows the newest five and offers the others", async () => {
    const studio = await startStudio();
    const first = await visit(browser(), studio.url);
    for (let count = 1; count <= 7; count += 1) {
      await first.ask(`${SHORT} ${count}`);
      await first.until("its card", ({ cards }) => cards.length === count);
    }
    for (const id of new URL(first.page.url()).searchParams.getAll("job"))
      await fetch(`${studio.url}/api/video-progress/${id}/cancel`, { method: "POST" });
    await first.until("the ends", ({ cards }) => cards.every(({ phase }) => phase === "cancelled"));
    await first.page.close();

    const { page, until } = await visit(browser(), studio.url, { context: first.context });
    await until("five videos", ({ cards }) => cards.length === 5);
    await page.getByRole("button", { name: "Xem 2 video trước đó" }).click();
    await until(
      "all videos",
      ({ cards }) => cards.filter((it) => it.phase !== "joining").length === 7,
    );
    const topics = await page.locator(".bubble-topic").allTextContents();
    expect(topics.map((topic) => topic.at(-1))).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
    expect(await page.locator(".card-headline").first().evaluate(isFocused)).toBe(true);
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

/** Runs in the page. */
function isFocused(element: Element): boolean {
  return element === document.activeElement;
}
