import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { inPhase } from "./support/page-history.js";
import { type StudioProcess, startStudio } from "./support/studio-process.js";
import { SHORT } from "./support/topics.js";
import { NETWORK_ERROR, visit } from "./support/visit.js";

/** The requests for streams that reached the proxy. */
function streamsOf({ proxy }: StudioProcess): number {
  return proxy.requests.filter(({ stream }) => stream).length;
}

/** Deletes a video in the list, and answers the question. */
async function deleteVideo(page: Page, title: string): Promise<void> {
  await page.getByRole("button", { name: `Xóa “${title}”` }).click();
  await page.getByRole("button", { name: "Xóa", exact: true }).click();
}

describeInBrowser("your videos", (browser) => {
  test("given two tabs, share one connection; given a deletion in one, the other one loses the video too", async () => {
    const studio = await startStudio();
    const first = await visit(browser(), studio.url);
    await first.ask(SHORT);
    await first.until("the video", inPhase("completed"));
    await first.ask("Tạm biệt các bạn.");
    await first.until("both", ({ cards }) => cards[1]?.phase === "completed");
    const streams = streamsOf(studio);
    const second = await visit(browser(), studio.url, { context: first.context });
    const { list } = await second.until("the list", (state) => state.list.length === 2);
    expect(list.map(({ title }) => title)).toEqual(["Tạm biệt các bạn", "Xin chào các bạn"]);
    expect(streamsOf(studio)).toBe(streams);

    await second.page.getByRole("button", { name: "Xin chào các bạn 0:0" }).click();
    await second.until("the card", inPhase("completed"));
    await deleteVideo(second.page, "Xin chào các bạn");
    for (const { until } of [first, second]) {
      const state = await until("one video", (state) => state.list.length === 1);
      expect(state.cards.map(({ headline }) => headline)).not.toContain("Xin chào các bạn");
    }
    await expect.poll(() => studio.videos()).toHaveLength(1);
    expect(new URL(second.page.url()).search).toBe("");
  });

  test("given a restart of the server and a new tab, has the same videos", async () => {
    const studio = await startStudio();
    const { page, context, until, ask } = await visit(browser(), studio.url, {
      expected: [NETWORK_ERROR],
    });
    await ask(SHORT);
    await until("the video", inPhase("completed"));
    await studio.kill();
    await page.getByText("Mất kết nối: danh sách có thể đã cũ.").waitFor();
    await studio.start();
    await page.getByText("Mất kết nối: danh sách có thể đã cũ.").waitFor({ state: "hidden" });
    const later = await visit(browser(), studio.url, { context });
    const { list } = await later.until("the list", (state) => state.list.length === 1);
    expect(list[0]).toMatchObject({ phase: "completed", title: "Xin chào các bạn" });
  });

  test("given a keyboard, asks before it deletes, and moves the focus to the next video", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    await until("the first card", ({ cards }) => cards.length === 1);
    await ask("Tạm biệt các bạn.");
    await until("both", ({ list, cards }) => list.length === 2 && cards.length === 2);
    for (const id of new URL(page.url()).searchParams.getAll("job"))
      await fetch(`${studio.url}/api/video-progress/${id}/cancel`, { method: "POST" });
    await until("the ends", ({ list }) => list.every(({ phase }) => phase === "cancelled"));
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await page.getByRole("button", { name: "Xóa “Tạm biệt" }).press("Enter");
    expect(await focused()).toBe("Giữ lại");
    await page.keyboard.press("Escape");
    expect(await focused()).toMatch(/^Xóa “Tạm biệt/u);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await until("one video", ({ list }) => list.length === 1);
    expect(await focused()).toMatch(/^Xin chào/u);
  });

  test("given a phone, is one tap away, and opens a video in the conversation", async () => {
    const studio = await startStudio();
    const first = await visit(browser(), studio.url, {
      context: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
    });
    await first.ask(SHORT);
    await first.until("the video", inPhase("completed"));
    const { page, until } = await visit(browser(), studio.url, { context: first.context });
    await until("the list", ({ list }) => list.length === 1);
    const row = page.getByRole("button", { name: "Xin chào các bạn 0:0" });
    expect(await row.isVisible()).toBe(false);
    await page.getByRole("button", { name: "Video của bạn" }).tap();
    expect(await row.isVisible()).toBe(true);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBe(0);
    await row.tap();
    await until("the card", inPhase("completed"));
    expect(await row.isVisible()).toBe(false);
  });
});
