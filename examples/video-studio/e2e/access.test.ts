import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { inPhase, isRendering } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The horizontal overflow of a page, in pixels. */
function overflowOf(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

/**
 * The serious violations, as `rule: element`. The checker is loaded through the debugger, so the page's security policy
 * stays in force.
 */
async function violationsIn(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    (globalThis as never as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
}

describeInBrowser("accessibility", (browser) => {
  test("given a checker of accessibility, has no serious violation in any state", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url, {
      // An element that fades in has no contrast yet.
      context: { reducedMotion: "reduce" },
    });
    expect(await violationsIn(page)).toEqual([]);
    await ask(SHORT);
    await until("frames", isRendering);
    const resume = await studio.freeze();
    expect(await violationsIn(page)).toEqual([]);
    resume();
    await until("the video", inPhase("completed"));
    expect(await violationsIn(page)).toEqual([]);
  });

  test("given a batch and the list on a phone, has no serious violation and no overflow", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), studio.url, {
      context: { viewport: { width: 360, height: 740 }, hasTouch: true, reducedMotion: "reduce" },
    });
    await page.getByRole("textbox").fill("Xin chào.\nTạm biệt.");
    expect(await violationsIn(page)).toEqual([]);
    await page.getByRole("button", { name: "Tạo 2 video" }).tap();
    await until("the batch", ({ batches }) => batches[0]?.rows === 2);
    expect(await overflowOf(page)).toBe(0);
    expect(await violationsIn(page)).toEqual([]);
    await page.getByRole("button", { name: "Video của bạn" }).tap();
    await until("the ends", ({ list }) => list.every(({ phase }) => phase === "completed"));
    await page.locator(".library").getByRole("button", { name: "Xóa “Tạm biệt”" }).tap();
    expect(await violationsIn(page)).toEqual([]);
    expect(await overflowOf(page)).toBe(0);
  });

  test("given a narrow phone, has no overflow, and the composer is in reach", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), studio.url, {
      context: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
    });
    expect(await overflowOf(page)).toBe(0);
    const send = page.getByRole("button", { name: "Tạo video" });
    await page.getByRole("textbox").fill(SHORT);
    await send.tap();
    await until("progress", inPhase("running"));
    expect(await overflowOf(page)).toBe(0);
    await until("the video", inPhase("completed"));
    expect(await overflowOf(page)).toBe(0);
    const box = await send.boundingBox();
    expect(box?.y).toBeLessThan(740);
    expect((box?.x ?? 360) + (box?.width ?? 0)).toBeLessThan(360);
    await page.getByRole("button", { name: "Làm tương tự" }).tap();
    expect(await page.getByRole("textbox").inputValue()).toBe(SHORT);
  });

  test("given only a keyboard, requests and cancels a video", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), studio.url);
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Tới ô nhập ý tưởng");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("topic");
    await page.keyboard.type(SHORT);
    await page.keyboard.press("Enter");
    await until("a running job", inPhase("running"));
    await studio.freeze();
    for (let steps = 0; steps < 30 && (await focused()) !== "Hủy"; steps += 1)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const { cards } = await until("the cancelled job", inPhase("cancelled"));
    expect(cards[0]?.headline).toBe("Đã hủy");
    // The button is hidden, and the focus has moved to the headline.
    expect(await focused()).toBe("Đã hủy");
  });
});
