import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { CREATE_PATH } from "../src/shared/addresses.js";
import { findEncoder } from "../test/pipeline/support.js";
import { describeInBrowser } from "./support/browser.js";
import { inPhase, isRendering } from "./support/page-history.js";
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
  test("given a full queue, counts down to the next try, and returns the text to a user who gives up", async () => {
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

  test("given a studio without ffmpeg, shows the remedy and keeps the text", async () => {
    const studio = await startStudio({ FFMPEG_PATH: "/no/such/ffmpeg" });
    const { page, ask } = await visit(browser(), studio.url, { expected: [/status of 424/u] });
    await ask(SHORT);
    await page.getByRole("alert").filter({ hasText: "FFMPEG_PATH" }).waitFor();
    expect(await page.getByRole("textbox").inputValue()).toBe(SHORT);
    expect(await page.locator(".card").count()).toBe(0);
    expect(studio.createRequests()).toBe(1);
  });

  test("given ffmpeg that disappears, shows the remedy, no failed step, and no button that can't help", async () => {
    const ffmpeg = await removableFfmpeg();
    const studio = await startStudio({ FFMPEG_PATH: ffmpeg });
    const { page, until, ask } = await visit(browser(), studio.url);
    await ask(LONGER);
    await until("frames", isRendering);
    await rm(ffmpeg);
    await ask(SHORT);
    await until("the second one in the queue", ({ cards }) => cards[1]?.phase === "queued");
    await page.getByRole("button", { name: "Hủy", exact: true }).first().click();
    const { cards } = await until("the failed job", inPhase("failed"));
    expect(cards[1]?.explanation).toContain("FFMPEG_PATH");
    expect(cards[1]?.steps.map(({ status }) => status)).not.toContain("failed");
    const card = page.locator(".card").last();
    for (const name of ["Thử lại", "Sửa lại"])
      expect(await card.getByRole("button", { name }).isHidden(), name).toBe(true);
  });
});

/** A program that runs ffmpeg until it is removed. */
async function removableFfmpeg(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "ffmpeg-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "ffmpeg");
  const { path = "ffmpeg" } = (await findEncoder()) ?? {};
  await writeFile(file, `#!/bin/sh\nexec "${path}" "$@"\n`, { mode: 0o755 });
  return file;
}
