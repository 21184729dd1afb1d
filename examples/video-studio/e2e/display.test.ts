import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { inPhase } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

const DISPLAY = { reducedMotion: "reduce", forcedColors: "active" } as const;

/** The background colours that the browser shows for elements, without their opacity. */
function backgroundsOf(page: Page, selectors: readonly string[]): Promise<readonly string[]> {
  return page.evaluate(
    (all) =>
      all.map((selector) => {
        const element = document.querySelector(selector);
        const colour = element === null ? "" : getComputedStyle(element).backgroundColor;
        return /\d+, \d+, \d+/u.exec(colour)?.[0] ?? "absent";
      }),
    selectors,
  );
}

/** The element with the focus, if the header or the composer still covers its middle when the page is at rest. */
async function coveredFocus(): Promise<string> {
  let covered = "";
  // The page scrolls and slides parts in for some frames.
  for (let frame = 0; frame < 60; frame += 1) {
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const element = document.querySelector(":focus");
    if (element === null) return "";
    const { x, y, width, height } = element.getBoundingClientRect();
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    if (element.contains(top) || top?.contains(element)) return "";
    covered = element.outerHTML.slice(0, 100);
  }
  return covered;
}

describeInBrowser("the display of the page", (browser) => {
  test("given forced colours, shows the bar and each choice; given the Tab key, covers no focus", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url, { context: DISPLAY });
    const choices = await backgroundsOf(page, [
      ".languages input:checked + .language-code",
      ".languages input:not(:checked) + .language-code",
    ]);
    expect(new Set(choices).size).toBe(2);
    const outlines = await page
      .locator(".swatch")
      .evaluateAll((swatches) => swatches.map((swatch) => getComputedStyle(swatch).outlineStyle));
    expect(outlines.filter((style) => style === "solid")).toHaveLength(2);

    await ask(SHORT);
    await until("a running job", inPhase("running"));
    const resume = await studio.freeze();
    const bar = await backgroundsOf(page, [".bar", ".bar-fill"]);
    expect(new Set(bar).size).toBe(2);
    resume();
    await until("the video", inPhase("completed"));

    await page.locator(".skip-link").focus();
    const covered: string[] = [];
    for (let tabs = 0; tabs < 24; tabs += 1) {
      await page.keyboard.press("Tab");
      covered.push(await page.evaluate(coveredFocus));
    }
    expect(covered.filter(Boolean)).toEqual([]);
  });
});
