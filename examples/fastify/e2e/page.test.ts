import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchChromium } from "../../../conformance/browser/chromium.js";
import { type ExampleServer, startExample } from "../../express/test/support/example-server.js";

/** Runs in the page. A new listener is told the present state first, and then each change. */
const NEXT_CHANGE_OF_FIRST_JOB = `new Promise((resolve) => {
  let calls = 0;
  jobs.jobs()[0].on("progress", () => (calls += 1) > 1 && resolve());
})`;

let browser: Browser;
let server: ExampleServer;
let page: Page;

beforeAll(async () => {
  browser = await launchChromium();
});

afterAll(() => browser.close());

beforeEach(async () => {
  server = await startExample(new URL("..", import.meta.url));
  page = await browser.newPage();
  await page.goto(server.origin);
});

afterEach(async () => {
  await page.close();
  await server.stop();
});

test("given a size, shows the hash of the file", async () => {
  await page.getByLabel("megabytes").fill("64");
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText("SHA-256 f30fb789a9f52bee").waitFor();
  expect(await page.locator("progress").evaluate((bar) => (bar as HTMLProgressElement).value)).toBe(
    100,
  );
});

test("given a reload during the work, finds the job again and cancels it", async () => {
  await page.getByLabel("megabytes").fill("4096");
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText(/^Write … \d+ %$/u).waitFor();
  await page.reload();
  await page.getByText(/^Write … \d+ %$/u).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("cancelled").waitFor();
});

/** Streams and polls of the manager are at the base itself. */
const PROGRESS = /\/api\/progress/u;

test("given a server that is gone, says that the connection is lost, and not that the job failed", async () => {
  await page.getByLabel("megabytes").fill("4096");
  await page.getByRole("button", { name: "Make" }).click();
  const progress = page.getByText(/^Write … \d+ %$/u);
  await progress.waitFor();
  await page.route(PROGRESS, (route) => route.abort());
  await page.evaluate(() => dispatchEvent(new Event("pagehide")));
  await page.evaluate(() => dispatchEvent(new Event("pageshow")));
  await page.getByText("The connection is lost. Trying again …").waitFor();
  expect(await progress.isVisible()).toBe(true);
  await page.unroute(PROGRESS);
  await page.getByText("The connection is lost").waitFor({ state: "hidden" });
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("cancelled").waitFor();
  expect(await page.getByRole("button", { name: "Cancel" }).isDisabled()).toBe(true);
});

test("given a second job while the first one runs, shows the second one only", async () => {
  await page.getByLabel("megabytes").fill("4096");
  await page.getByRole("button", { name: "Make" }).click();
  await page.getByText(/^Write … \d+ %$/u).waitFor();
  await page.getByLabel("megabytes").fill("1");
  await page.getByRole("button", { name: "Make" }).click();
  const result = page.getByText(/^SHA-256 /u);
  await result.waitFor();
  await page.evaluate(NEXT_CHANGE_OF_FIRST_JOB);
  expect(await result.isVisible()).toBe(true);
});
