import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { CREATE_PATH } from "../src/shared/addresses.js";
import { describeInBrowser } from "./support/browser.js";
import { type StudioProcess, startStudio } from "./support/studio-process.js";
import { LONGER } from "./support/topics.js";
import { visit } from "./support/visit.js";

const LINES = ["Xin chào.", "Cảm ơn.", "Tạm biệt."];

/** Types lines, and accepts the offer to make a video of each. */
async function askForEach(page: Page, lines: readonly string[]): Promise<void> {
  await page.getByRole("textbox").fill(lines.join("\n"));
  await page.getByRole("button", { name: `Tạo ${lines.length} video` }).click();
}

/** Requests this many videos for another session. */
async function request(studio: StudioProcess, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += 1) {
    const { status } = await fetch(studio.url + CREATE_PATH, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ topic: LONGER }),
    });
    expect(status).toBe(202);
  }
}

describeInBrowser("batches", (browser) => {
  test("given three lines, makes three videos with one bar, which survives a reload", async () => {
    const studio = await startStudio();
    const { page, states, until } = await visit(browser(), studio.url);
    await askForEach(page, LINES);
    const before = await until("the batch", ({ batches }) => batches[0]?.rows === 3);
    expect(before.batches[0]?.headline).toBe("Đang làm 3 video của bạn");
    expect(await page.locator(".bubble-topic").textContent()).toBe(LINES.join("\n"));
    expect(await page.getByRole("textbox").inputValue()).toBe("");
    expect(before.cards).toEqual([]);
    await until("one of them", ({ batches }) => batches[0]?.explanation === "Xong 1/3");
    await page.reload();
    const after = await until("the batch again", ({ loadedAt, batches }) => {
      return loadedAt > before.loadedAt && batches[0]?.rows === 3;
    });
    expect(after.batches[0]?.percent).toBeGreaterThanOrEqual(33);
    const done = await until("all of them", ({ batches }) => batches[0]?.percent === 100);
    expect(done.batches[0]).toMatchObject({
      headline: "3 video của bạn đã xong",
      explanation: "Xong 3/3",
    });
    await until("all in the list", ({ list }) => {
      return list.length === 3 && list.every(({ phase }) => phase === "completed");
    });
    const percents = states.map(({ batches }) => batches[0]?.percent ?? 0);
    const loaded = states.findIndex(({ loadedAt }) => loadedAt > before.loadedAt);
    for (const part of [percents.slice(0, loaded), percents.slice(loaded)])
      expect(part).toEqual(part.toSorted((a, b) => a - b));

    await page.locator(".batch .row-open").last().click();
    const opened = await until("its card", ({ cards }) => cards[0]?.phase === "completed");
    expect(opened.cards[0]?.headline).toBe("Tạm biệt");
    expect(await studio.videos()).toHaveLength(3);
  });

  test("given a queue without room for all lines, keeps the others in the box, and sends them later", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), studio.url, { expected: [/status of 429/u] });
    await request(studio, 1);
    const resume = await studio.freeze();
    await request(studio, 18);
    await askForEach(page, LINES);
    await page.getByRole("alert").filter({ hasText: "Hàng chờ đã đầy." }).waitFor();
    const { batches } = await until("the accepted ones", (state) => state.batches[0]?.rows === 2);
    expect(batches[0]?.explanation).toBe("Xong 0/2");
    await page.getByRole("button", { name: "Không chờ nữa" }).click();
    await page.getByText("Còn 1 ý tưởng chưa gửi, vẫn nằm trong ô nhập.").waitFor();
    expect(await page.getByRole("textbox").inputValue()).toBe("Tạm biệt.");

    await page.locator(".batch").getByRole("button", { name: "Hủy “Xin chào.”" }).click();
    await until("room", (state) => state.batches[0]?.explanation === "Xong 0/2 · 1 không làm được");
    await page.getByRole("button", { name: "Tạo video" }).click();
    await until("the last line in the same batch", (state) => state.batches[0]?.rows === 3);
    await expect.poll(() => page.getByRole("textbox").inputValue()).toBe("");
    expect(new URL(page.url()).searchParams.getAll("batch")).toHaveLength(1);
    resume();
  });

  test("given eleven lines, sends nothing and shows the limit; given one video of all lines, is one", async () => {
    const studio = await startStudio();
    const { page, until } = await visit(browser(), studio.url);
    const field = page.getByRole("textbox");
    await page.getByRole("button", { name: "Mỗi dòng một video" }).click();
    await field.fill(Array.from({ length: 11 }, (_, index) => `Xin chào ${index}`).join("\n"));
    await page.getByText("11 dòng, nhưng mỗi lần tối đa 10 video.").waitFor();
    await field.press("Control+Enter");
    await page.getByRole("button", { name: "Mỗi dòng một video" }).click();
    await field.fill("Xin chào.\nTạm biệt.");
    await field.press("Enter");
    const { batches } = await until("one card", ({ cards }) => cards.length === 1);
    expect(batches).toEqual([]);
    expect(studio.createRequests()).toBe(1);
  });
});
