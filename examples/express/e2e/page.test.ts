import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchChromium } from "../../../conformance/browser/chromium.js";
import { type ExampleServer, startExample } from "../test/support/example-server.js";

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

test("given a bound, shows the number of primes", async () => {
  await page.getByLabel("below").fill("20000000");
  await page.getByRole("button", { name: "Count" }).click();
  await page.getByText("1,270,607 primes").waitFor();
  expect(await page.locator("progress").evaluate((bar) => (bar as HTMLProgressElement).value)).toBe(
    100,
  );
});

test("given a reload during the work, finds the job again and cancels it", async () => {
  await page.getByLabel("below").fill("1000000000");
  await page.getByRole("button", { name: "Count" }).click();
  await page.getByText(/^Sieve … \d+ %$/u).waitFor();
  await page.reload();
  await page.getByText(/^Sieve … \d+ %$/u).waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("cancelled").waitFor();
});

/** Streams and polls of the manager are at the base itself. */
const PROGRESS = /\/api\/progress/u;

test("given a server that is gone, says that the connection is lost, and not that the job failed", async () => {
  await page.getByLabel("below").fill("1000000000");
  await page.getByRole("button", { name: "Count" }).click();
  const progress = page.getByText(/^Sieve … \d+ %$/u);
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
  await page.getByLabel("below").fill("1000000000");
  await page.getByRole("button", { name: "Count" }).click();
  await page.getByText(/^Sieve … \d+ %$/u).waitFor();
  await page.getByLabel("below").fill("1000");
  await page.getByRole("button", { name: "Count" }).click();
  const result = page.getByText("168 primes");
  await result.waitFor();
  await page.evaluate(NEXT_CHANGE_OF_FIRST_JOB);
  expect(await result.isVisible()).toBe(true);
});
