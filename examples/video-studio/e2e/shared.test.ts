import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { inPhase } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { LONGER, SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

/** Where the parts of a page are, in CSS pixels from the top of the window. */
function placesIn(page: Page) {
  return page.evaluate(() => {
    const rectOf = (selector: string) => {
      const rect = document.querySelector(selector)?.getBoundingClientRect();
      return { top: rect?.top ?? 0, bottom: rect?.bottom ?? 0 };
    };
    const visible = ({ top, bottom }: { readonly top: number; readonly bottom: number }) =>
      Math.max(0, Math.min(bottom, innerHeight) - Math.max(top, 0));
    const [header, dock, card] = [rectOf(".top"), rectOf(".dock"), rectOf(".card")];
    return { header, dock, card, covered: (visible(header) + visible(dock)) / innerHeight };
  });
}

describeInBrowser("a shared link", (browser) => {
  test("given a long text, shows the whole card between header and composer once it is loaded", async () => {
    const studio = await startStudio();
    const owner = await visit(browser(), studio.url);
    await owner.ask(LONGER.repeat(6));
    await owner.until("the running job", inPhase("running"));
    const resume = await studio.freeze();
    for (const viewport of [
      { width: 1280, height: 860 },
      { width: 390, height: 844 },
    ]) {
      const guest = await visit(browser(), owner.page.url(), { context: { viewport } });
      await guest.until("the running job", inPhase("running"));
      const { header, dock, card } = await placesIn(guest.page);
      expect(card.top, `${viewport.width}`).toBeGreaterThanOrEqual(header.bottom);
      expect(card.bottom, `${viewport.width}`).toBeLessThanOrEqual(dock.top);
    }
    resume();
  });

  test("given a video in the queue, speaks to the guest about the video, not about the guest", async () => {
    const studio = await startStudio();
    const owner = await visit(browser(), studio.url);
    await owner.ask(LONGER);
    await owner.until("the first card", ({ cards }) => cards.length === 1);
    await owner.ask(SHORT);
    await owner.until("the second one in the queue", ({ cards }) => cards[1]?.phase === "queued");
    const resume = await studio.freeze();
    const job = new URL(owner.page.url()).searchParams.getAll("job").at(-1);
    const guest = await visit(browser(), `${studio.url}/?job=${job}`);
    const { cards } = await guest.until("its place", (state) => {
      return inPhase("queued")(state) && state.cards[0]?.explanation !== "";
    });
    expect(cards[0]?.explanation).toBe("Video này là video tiếp theo");

    // A phone in landscape, and a window of 1280 by 860 with a zoom of 200 %.
    for (const viewport of [
      { width: 844, height: 390 },
      { width: 640, height: 430 },
    ]) {
      await guest.page.setViewportSize(viewport);
      for (const top of [0, 10_000]) {
        await guest.page.evaluate((y) => scrollTo({ top: y, behavior: "instant" }), top);
        // The composer takes its new height with the next frame.
        await expect
          .poll(async () => (await placesIn(guest.page)).covered, {
            message: `${viewport.width} at ${top}`,
          })
          .toBeLessThanOrEqual(1 / 3);
      }
      const { card, dock } = await placesIn(guest.page);
      expect(card.bottom).toBeLessThanOrEqual(dock.top);
    }
    resume();
  });
});
