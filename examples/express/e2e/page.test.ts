import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchChromium } from "../../../conformance/browser/chromium.js";
import { type ExampleServer, startExample } from "../test/support/example-server.js";

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
  await page.getByText("Sieve …").waitFor();
  await page.reload();
  await page.getByText("Sieve …").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("cancelled").waitFor();
});
