import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { launchChromium } from "../../../conformance/browser/chromium.js";
import { type ExampleServer, startExample } from "../../express/test/support/example-server.js";

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
  await page.getByText("Write …").waitFor();
  await page.reload();
  await page.getByText("Write …").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("cancelled").waitFor();
});
