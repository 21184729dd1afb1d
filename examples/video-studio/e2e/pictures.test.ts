import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { inPhase } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { SHORT } from "./support/topics.js";
import { NETWORK_ERROR, visit } from "./support/visit.js";

describeInBrowser("pictures", (browser) => {
  test("given pictures that can't be loaded for a while, keeps the last frame, and then shows the video", async () => {
    const studio = await startStudio();
    const { page, context, states, until, ask, play } = await visit(browser(), studio.url, {
      expected: [NETWORK_ERROR],
    });
    await ask(SHORT);
    await until("a preview frame", ({ cards }) => cards[0]?.preview === true);
    const resume = await studio.freeze();
    const failed = { preview: 0, file: 0 };
    await page.route("**/api/videos/**", (route) => {
      failed[route.request().url().endsWith("/file") ? "file" : "preview"] += 1;
      return route.abort();
    });
    const seen = states.length;
    resume();
    await until("the video", inPhase("completed"));
    const during = states.slice(seen - 1).filter(({ cards }) => cards[0]?.phase === "running");
    expect(failed.preview).toBeGreaterThan(0);
    expect(during.map(({ cards }) => cards[0]?.preview)).not.toContain(false);
    // The player has nothing to show yet, so the frame behind it stays.
    await expect.poll(() => failed.file).toBeGreaterThan(0);
    expect(await page.locator(".card .stage-preview").evaluate(isLoaded)).toBe(true);

    await page.unroute("**/api/videos/**");
    await context.setOffline(true);
    await context.setOffline(false);
    await page.locator(".card .stage-preview").waitFor({ state: "detached" });
    expect(await play()).toBe(1280);
  });
});

function isLoaded(image: Element): boolean {
  return (image as HTMLImageElement).naturalWidth > 0;
}
