import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { inPhase, isRendering } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { LONGER, SHORT } from "./support/topics.js";
import { NETWORK_ERROR, visit } from "./support/visit.js";

describeInBrowser("old news", (browser) => {
  test("given a server that dies, shows where the video was last seen, and the cause after a restart", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url, { expected: [NETWORK_ERROR] });
    await ask(LONGER);
    await until("frames", isRendering);
    await studio.kill();
    const unseen = await until("the card of an unseen video", ({ cards }) => {
      return cards[0]?.headline === "Hiện không xem được video của bạn";
    });
    const [card] = unseen.cards;
    expect(card).toMatchObject({ phase: "running", remaining: "" });
    expect(card?.explanation).toBe(`Lần cuối thấy: ${card?.percent}%`);
    expect(await page.title()).toBe("Mất kết nối · Em Linh");
    await page.getByText("Không liên lạc được với xưởng video.").waitFor();

    await studio.start();
    const lost = await until("the lost job", inPhase("lost"));
    expect(lost.cards[0]?.explanation).toMatch(/^Xưởng video đóng lại trước khi làm xong\./u);
  });

  test("given a worker that is silent, counts the time without news until there are some", async () => {
    const studio = await startStudio();
    const { until, ask } = await visit(browser(), studio.url);
    await ask(SHORT);
    await until("frames", isRendering);
    const resume = await studio.freeze();
    const quiet = await until("a card without news", ({ cards }) => {
      return cards[0]?.explanation === "Không có tin mới trong 11 giây";
    });
    expect(quiet.cards[0]).toMatchObject({ phase: "running", remaining: "" });
    resume();
    const back = await until(
      "news",
      ({ cards }) => !/^Không có/u.test(cards[0]?.explanation ?? ""),
    );
    expect(back.cards[0]?.headline).not.toBe("Hiện không xem được video của bạn");
  });
});
