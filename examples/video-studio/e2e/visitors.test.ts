import { expect, test } from "vitest";
import { processesOf, untilGone } from "../test/pipeline/support.js";
import { describeInBrowser } from "./support/browser.js";
import { drawing, fallsOf, historyOf, inPhase } from "./support/sights.js";
import { startStudio } from "./support/studio-process.js";
import { LONGER, SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

describeInBrowser("those who look on", (browser) => {
  test("given a reload midway, finds the job again, goes on and plays", async () => {
    const studio = await startStudio();
    const { page, sights, until, ask, play } = await visit(browser(), studio.url);
    await ask(SHORT);
    const before = await until("frames", drawing);
    const goOn = await studio.freeze();
    await page.reload();
    const after = await until("the job again", (sight) => {
      return sight.loadedAt > before.loadedAt && inPhase("running")(sight);
    });
    expect(after.cards).toHaveLength(1);
    expect(after.cards[0]?.percent).toBeGreaterThanOrEqual(before.cards[0]?.percent ?? 100);
    expect(await page.getByRole("button", { name: "Hủy" }).isVisible()).toBe(true);
    goOn();
    await until("the video", inPhase("completed"));
    expect(fallsOf(sights)).toEqual([]);
    expect(await play()).toBe(1280);
  });

  test("given a cancel midway, stops within two seconds, leaves no process, and makes the next one", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url);
    await ask(LONGER);
    await until("frames", drawing);
    const [worker = 0] = await studio.workers();
    expect((await processesOf(worker)).length).toBeGreaterThanOrEqual(2);
    await page.getByRole("button", { name: "Hủy" }).click();
    const cancelled = await until("that it is cancelled", inPhase("cancelled"));
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

  test("given a double click and three tabs with the address, all see the one video, and one that closes takes nothing with it", async () => {
    const studio = await startStudio();
    const owner = await visit(browser(), studio.url);
    await owner.page.getByRole("textbox").fill(SHORT);
    await owner.page.getByRole("button", { name: "Tạo video" }).dblclick();
    await owner.until("the job at work", inPhase("running"));
    const goOn = await studio.freeze();
    const address = owner.page.url();
    // One of the same browser, and one of somebody else's, to whom the link was sent.
    const second = await visit(browser(), address, { context: owner.context });
    const guest = await visit(browser(), address);
    for (const { until } of [second, guest]) await until("the job at work", inPhase("running"));
    expect(await second.page.getByRole("button", { name: "Hủy" }).isVisible()).toBe(true);
    expect(await guest.page.getByRole("button", { name: "Hủy" }).isHidden()).toBe(true);
    await owner.page.close();
    goOn();

    const ends = [];
    for (const { until } of [second, guest])
      ends.push(await until("the video", inPhase("completed")));
    expect(ends[0]?.cards).toEqual(ends[1]?.cards);
    expect(ends[0]?.cards).toHaveLength(1);
    for (const { sights } of [second, guest]) {
      expect(fallsOf(sights)).toEqual([]);
      const { render, encode } = historyOf(sights);
      expect([render, encode].map((way) => way.slice(-2))).toEqual([
        ["running", "completed"],
        ["running", "completed"],
      ]);
    }
    expect(studio.wishes()).toBe(1);
    expect(await studio.videos()).toHaveLength(1);
  });

  test("given a link to videos that are not there, says so once, and stays ready for a wish", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), `${studio.url}/?job=nosuchvideo&job=norsuch`, {
      expected: [/status of 404/u],
    });
    const { cards } = await until("that they are gone", (sight) => {
      return sight.cards.length === 1 && inPhase("gone")(sight);
    });
    expect(cards[0]?.explanation).toMatch(/^Liên kết sai/u);
    expect(await page.getByRole("textbox").isEditable()).toBe(true);
  });
});
