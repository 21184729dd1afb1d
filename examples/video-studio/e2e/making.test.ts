import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { fallsOf, inPhase, percentsOf, statusesOf } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

describeInBrowser("making a video", (browser) => {
  test("given a sentence and Enter, shows each step and then plays the video", async () => {
    const studio = await startStudio();
    const { page, states, until, play } = await visit(browser(), studio.url);
    await page.getByRole("textbox", { name: "Ý tưởng của bạn" }).pressSequentially(SHORT);
    await page.keyboard.press("Enter");
    await until("a preview frame", ({ cards }) => cards[0]?.preview === true);
    const [card] = (await until("the video", inPhase("completed"))).cards;

    expect(fallsOf(states)).toEqual([]);
    expect(percentsOf(states).at(-1)).toBe(100);
    // A step that took less than a tenth of a second may have run between two states of the page.
    for (const [index, statuses] of Object.values(statusesOf(states)).entries()) {
      const { detail = "" } = card?.steps[index] ?? {};
      expect(detail).toMatch(/^(< 0,1|\d+(,\d)?) giây$/u);
      const isShort = detail.startsWith("<");
      const seen = isShort ? statuses.filter((status) => status !== "running") : statuses;
      const running = isShort ? [] : ["running"];
      expect(seen).toEqual(["absent", "waiting", ...running, "completed"]);
    }
    expect(card?.headline).toBe("Xin chào các bạn");
    expect(card?.explanation).toMatch(/^Dài 0:0\d · \d+ KB · Làm trong \d+(,\d)? giây$/u);
    expect(await play()).toBe(1280);
    // A log of one line is a sentence, and not a list to open.
    expect(await page.locator(".log-only").textContent()).toMatch(
      /^Kịch bản có 1 cảnh\. ffmpeg [\d.]+ /u,
    );
    expect(await page.locator(".log").isVisible()).toBe(false);
  });

  test("given two requests at once, queues the second one and makes both videos", async () => {
    const studio = await startStudio();
    const { states, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    await until("the first card", ({ cards }) => cards.length === 1);
    await ask("Tạm biệt các bạn.");
    const waiting = await until("the second one in the queue", ({ cards }) => {
      return cards[1]?.phase === "queued" && cards[1].explanation !== "";
    });
    expect(waiting.cards[1]?.explanation).toBe("Bạn là người tiếp theo");
    await until("the second one running", ({ cards }) => cards[1]?.phase === "running");
    const { cards } = await until("both", (state) =>
      state.cards.every(({ phase }) => phase === "completed"),
    );
    expect(cards.map(({ headline }) => headline)).toEqual(["Xin chào các bạn", "Tạm biệt các bạn"]);
    const atOnce = states.map((state) => state.cards.filter(({ phase }) => phase === "running"));
    expect(Math.max(...atOnce.map(({ length }) => length))).toBe(1);
    expect([fallsOf(states, 0), fallsOf(states, 1)]).toEqual([[], []]);
  });

  test("given an earlier video, shows the remaining time of the next one from the first second", async () => {
    const studio = await startStudio();
    const { states, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    await until("the first video", inPhase("completed"));
    await ask("Tạm biệt các bạn.");
    await until("both", ({ cards }) => cards[1]?.phase === "completed");
    const running = states.filter(({ cards }) => cards[1]?.phase === "running");
    expect(running[0]?.cards[1]?.remaining).toMatch(/^(còn khoảng \d+ giây|sắp xong)$/u);
  });

  test("given the page without a bundler, shows words and a percent, and makes a video", async () => {
    const studio = await startStudio();
    const { page, play } = await visit(browser(), `${studio.url}/plain`);
    await page.getByRole("option", { name: "Vietnamese" }).first().waitFor({ state: "attached" });
    await page.getByLabel("What is the video about?").fill(SHORT);
    await page.getByLabel("Length in seconds").fill("5");
    await page.getByRole("button", { name: "Make video" }).click();
    const figures = page.locator("#figures");
    // A fast machine finishes before there is an estimate.
    await figures.getByText(/^[1-9]\d? %( · about \d+ s left)?$/u).waitFor({ timeout: 60_000 });
    expect(await page.getByRole("status").textContent()).toBe("Making your video…");
    await page.locator("video").waitFor({ timeout: 60_000 });
    expect(await page.getByRole("status").textContent()).toBe("Your video is ready.");
    expect(await figures.textContent()).toBe("100 %");
    expect(await page.locator("#steps .completed").count()).toBe(6);
    expect(await page.locator("progress").getAttribute("value")).toBe("100");
    expect(await page.getByRole("button", { name: "Cancel" }).isHidden()).toBe(true);
    expect(await play()).toBe(1280);
  });
});
