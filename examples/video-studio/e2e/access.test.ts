import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { drawing, inPhase } from "./support/sights.js";
import { startStudio } from "./support/studio-process.js";
import { SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What a page of this width shows beyond its right edge, in pixels. */
function overhang(page: Page): Promise<number> {
  return page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
}

/** What is grave, as `rule: element`. The checker comes by the debugger, so that the page's policy stays in force. */
async function barriers(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    (globalThis as never as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(" ")}`));
}

describeInBrowser("for everybody", (browser) => {
  test("given a checker of accessibility, it finds no barrier in any state", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url, {
      // What fades in has no contrast yet.
      context: { reducedMotion: "reduce" },
    });
    expect(await barriers(page)).toEqual([]);
    await ask(SHORT);
    await until("frames", drawing);
    const goOn = await studio.freeze();
    expect(await barriers(page)).toEqual([]);
    goOn();
    await until("the video", inPhase("completed"));
    expect(await barriers(page)).toEqual([]);
  });

  test("given a narrow phone, nothing is beyond its edge, and the composer is in reach", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), studio.url, {
      context: { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
    });
    expect(await overhang(page)).toBe(0);
    const send = page.getByRole("button", { name: "Tạo video" });
    await page.getByRole("textbox").fill(SHORT);
    await send.tap();
    await until("progress", inPhase("running"));
    expect(await overhang(page)).toBe(0);
    await until("the video", inPhase("completed"));
    expect(await overhang(page)).toBe(0);
    const box = await send.boundingBox();
    expect(box?.y).toBeLessThan(740);
    expect((box?.x ?? 360) + (box?.width ?? 0)).toBeLessThan(360);
    await page.getByRole("button", { name: "Làm tương tự" }).tap();
    expect(await page.getByRole("textbox").inputValue()).toBe(SHORT);
  });

  test("given nothing but a keyboard, a video is asked for and cancelled", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), studio.url);
    const focused = () => page.evaluate(() => document.activeElement?.textContent ?? "");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Tới ô nhập ý tưởng");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("topic");
    await page.keyboard.type(SHORT);
    await page.keyboard.press("Enter");
    await until("the job at work", inPhase("running"));
    await studio.freeze();
    for (let steps = 0; steps < 30 && (await focused()) !== "Hủy"; steps += 1)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const { cards } = await until("that it is cancelled", inPhase("cancelled"));
    expect(cards[0]?.headline).toBe("Đã hủy");
    // The button went; the focus is where the news is.
    expect(await focused()).toBe("Đã hủy");
  });
});
