import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { fallsOf, historyOf, inPhase, percentsOf } from "./support/sights.js";
import { startStudio } from "./support/studio-process.js";
import { SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

describeInBrowser("making a video", (browser) => {
  test("given a sentence that is typed and sent by Enter, shows each step, then plays", async () => {
    const studio = await startStudio();
    const { page, sights, until, play } = await visit(browser(), studio.url);
    await page.getByRole("textbox", { name: "Ý tưởng của bạn" }).pressSequentially(SHORT);
    await page.keyboard.press("Enter");
    await until("a preview frame", ({ cards }) => cards[0]?.preview === true);
    const [card] = (await until("the video", inPhase("completed"))).cards;

    expect(fallsOf(sights)).toEqual([]);
    expect(percentsOf(sights).at(-1)).toBe(100);
    // What it took is shown, in tenths of seconds; and a step that took less than one may have passed between two looks.
    for (const [index, history] of Object.values(historyOf(sights)).entries()) {
      const { detail = "" } = card?.steps[index] ?? {};
      expect(detail).toMatch(/^(< 0,1|\d+(,\d)?) giây$/u);
      const seen = detail.startsWith("<") ? history.filter((one) => one !== "running") : history;
      const way = detail.startsWith("<") ? [] : ["running"];
      expect(seen).toEqual(["absent", "waiting", ...way, "completed"]);
    }
    expect(card?.headline).toBe("Xin chào các bạn");
    expect(card?.explanation).toMatch(/^Dài 0:0\d · \d+ KB · Làm trong \d+(,\d)? giây$/u);
    expect(await play()).toBe(1280);
  });

  test("given two wishes at once, the second waits for its turn, and both are made", async () => {
    const studio = await startStudio();
    const { sights, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    await until("the first card", ({ cards }) => cards.length === 1);
    await ask("Tạm biệt các bạn.");
    const waiting = await until("the second in the queue", ({ cards }) => {
      return cards[1]?.phase === "queued" && cards[1].explanation !== "";
    });
    expect(waiting.cards[1]?.explanation).toBe("Bạn là người tiếp theo");
    await until("the second at work", ({ cards }) => cards[1]?.phase === "running");
    const { cards } = await until("both", (sight) =>
      sight.cards.every(({ phase }) => phase === "completed"),
    );
    expect(cards.map(({ headline }) => headline)).toEqual(["Xin chào các bạn", "Tạm biệt các bạn"]);
    const atOnce = sights.map((sight) => sight.cards.filter(({ phase }) => phase === "running"));
    expect(Math.max(...atOnce.map(({ length }) => length))).toBe(1);
    expect([fallsOf(sights, 0), fallsOf(sights, 1)]).toEqual([[], []]);
  });

  test("given the page without a bundler, makes a video there", async () => {
    const studio = await startStudio();
    const { page, play } = await visit(browser(), `${studio.url}/plain`);
    await page.getByRole("option", { name: "Vietnamese" }).first().waitFor({ state: "attached" });
    await page.getByLabel("What is the video about?").fill(SHORT);
    await page.getByLabel("Length in seconds").fill("5");
    await page.getByRole("button", { name: "Make video" }).click();
    await page.locator("video").waitFor({ timeout: 60_000 });
    expect(await page.getByRole("status").textContent()).toBe("completed");
    expect(await page.locator("#steps .completed").count()).toBe(6);
    expect(await page.locator("progress").getAttribute("value")).toBe("100");
    expect(await page.getByRole("button", { name: "Cancel" }).isHidden()).toBe(true);
    expect(await play()).toBe(1280);
  });
});
