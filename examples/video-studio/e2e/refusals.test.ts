import { expect, test } from "vitest";
import { CREATE_PATH } from "../src/shared/addresses.js";
import { describeInBrowser } from "./support/browser.js";
import { inPhase } from "./support/page-history.js";
import { type StudioProcess, startStudio } from "./support/studio-process.js";
import { LONGER, SHORT } from "./support/topics.js";
import { visit } from "./support/visit.js";

/** Requests videos until the studio accepts no more. */
async function fillQueue(studio: StudioProcess): Promise<void> {
  let status = 202;
  while (status === 202) {
    const response = await fetch(studio.url + CREATE_PATH, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ topic: LONGER }),
    });
    await response.text();
    status = response.status;
  }
  expect(status).toBe(429);
}

describeInBrowser("refusals", (browser) => {
  test("given a full queue, counts down to the next try, and gives the text back to a user who won't wait", async () => {
    const studio = await startStudio();
    const { page, ask } = await visit(browser(), studio.url, {
      expected: [/status of 429/u],
      prepare: (page) => page.clock.install(),
    });
    await fillQueue(studio);
    const before = studio.createRequests();
    await ask(SHORT);
    await page.getByRole("alert").filter({ hasText: "Hàng chờ đã đầy." }).waitFor();
    const count = page.locator(".composer-count");
    const seconds = async () => Number(/\d+/u.exec((await count.textContent()) ?? "")?.[0]);
    const first = await seconds();
    expect(first).toBeGreaterThan(5);
    await page.clock.fastForward(3_000);
    await expect.poll(seconds).toBeLessThanOrEqual(first - 3);

    await page.getByRole("button", { name: "Không chờ nữa" }).click();
    const field = page.getByRole("textbox");
    expect(await field.inputValue()).toBe(SHORT);
    expect(await field.evaluate((element) => element === document.activeElement)).toBe(true);
    await page.getByRole("button", { name: "Tạo video", disabled: false }).waitFor();
    expect(await page.getByRole("alert").textContent()).toBe("");
    await page.clock.fastForward(60_000);
    expect(studio.createRequests()).toBe(before + 1);
  });

  test("given a studio without ffmpeg, shows the remedy, no failed step, and no button that can't help", async () => {
    const studio = await startStudio({ FFMPEG_PATH: "/no/such/ffmpeg" });
    const { page, until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    const { cards } = await until("the failed job", inPhase("failed"));
    expect(cards[0]?.explanation).toContain("FFMPEG_PATH");
    expect(cards[0]?.steps.map(({ status }) => status)).not.toContain("failed");
    for (const name of ["Thử lại", "Sửa lại"])
      expect(await page.getByRole("button", { name }).isHidden(), name).toBe(true);
  });
});
