import { expect, test } from "vitest";
import { describeInBrowser } from "./support/browser.js";
import { inPhase } from "./support/page-history.js";
import { startStudio } from "./support/studio-process.js";
import { SHORT } from "./support/topics.js";
import { NETWORK_ERROR, visit } from "./support/visit.js";

describeInBrowser("requests", (browser) => {
  test("given too many characters, none, or some that can't be shown, sends nothing and shows the reason", async () => {
    const studio = await startStudio();
    const { page } = await visit(browser(), studio.url);
    const field = page.getByRole("textbox");
    const send = page.getByRole("button", { name: "Tạo video" });
    await field.fill("à".repeat(601));
    await page.getByText("Thừa 1 ký tự").waitFor();
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    expect(await send.getAttribute("aria-disabled")).toBe("true");
    await field.press("Enter");
    await send.click({ force: true });

    // A letter of two code points counts as one, because the server normalizes it.
    await field.fill("à".normalize("NFD").repeat(600));
    await page.getByText("Còn 0 ký tự").waitFor();
    expect(await send.getAttribute("aria-disabled")).toBe(null);

    await field.fill("  …  ");
    await field.press("Enter");
    await page.getByText("Hãy viết vài từ về video bạn muốn.").waitFor();

    await field.fill("Xin chào 你好");
    await field.press("Enter");
    await page.getByText("Hãy viết lại bằng chữ Latinh, hoặc bỏ đi: \u2068你 好\u2069").waitFor();
    expect(await field.inputValue()).toBe("Xin chào 你好");
    expect(studio.createRequests()).toBe(0);
    expect(await page.locator(".card").count()).toBe(0);
  });

  test("given markup, shows it as text everywhere", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url);
    const topic = `<img src="x" onerror="alert('Xin chào')"> xin chào.`;
    await ask(topic);
    await until("the video", inPhase("completed"));
    expect(await page.locator(".bubble-topic").textContent()).toBe(topic);
    expect(await page.getByRole("article").getAttribute("aria-label")).toBe(topic);
    expect(await page.locator("img[onerror]").count()).toBe(0);
  });

  test("given an answer that is lost, keeps the text, and sending it again creates no second video", async () => {
    const studio = await startStudio();
    const { page, until, ask } = await visit(browser(), studio.url, {
      expected: [NETWORK_ERROR],
    });
    // The server accepts the request, but its answer is cut.
    studio.proxy.setFaults(({ method }) =>
      method === "POST" ? { kind: "cut", afterBytes: 1 } : { kind: "pass" },
    );
    await ask(SHORT);
    await page.getByText("Chưa gửi được.").waitFor();
    const field = page.getByRole("textbox");
    expect(await field.inputValue()).toBe(SHORT);
    expect(await page.locator(".card").count()).toBe(0);

    studio.proxy.setFaults(() => ({ kind: "pass" }));
    await field.press("Enter");
    const { cards } = await until("the video", inPhase("completed"));
    expect(cards).toHaveLength(1);
    expect(studio.createRequests()).toBeGreaterThan(1);
    expect(await studio.videos()).toHaveLength(1);
    expect(await field.inputValue()).toBe("");
  });
});
