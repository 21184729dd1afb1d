import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { launchChromium } from "./chromium.js";
import { openTab, openTabSite, recordOf, type TabSite } from "./tab-site.js";

/** The limit for a new leader, and some time for a slow machine. */
const REPLACED_WITHIN_MS = 15_000;

let browser: Browser;
beforeAll(async () => {
  // Playwright turns the cache off by default.
  browser = await launchChromium({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
});
afterAll(() => browser?.close());

let site: TabSite;
let context: BrowserContext;
/** The first one leads. All watch the job `all`, and each one a job of its own. */
let tabs: Page[];
let count: number;

const NAMES = ["1", "2", "3", "4", "5", "6", "7"];

beforeEach(async () => {
  count = 0;
  site = await openTabSite(["all", ...NAMES.map((name) => `job${name}`)]);
  context = await browser.newContext();
  onTestFinished(() => context.close());
  tabs = [];
  for (const name of NAMES) {
    const tab = await openTab(context, site, ["all", `job${name}`]);
    tabs.push(tab);
    await untilRight([tab]);
  }
});

/** Changes each job, and appends a line to it. */
async function change(): Promise<void> {
  count += 1;
  await site.change(count);
}

/** Waits until tabs are live and have what the server has, with each line once. */
async function untilRight(living: readonly Page[], timeout = REPLACED_WITHIN_MS): Promise<void> {
  const lines = Array.from({ length: count }, (_, index) => `line ${index + 1}`);
  await expect
    .poll(() => Promise.all(living.map(recordOf)), { timeout, interval: 100 })
    .toEqual(
      living.map((tab) => {
        const jobs = new URL(tab.url()).searchParams.getAll("job");
        return {
          status: "live",
          wasCached: expect.any(Boolean),
          jobs: Object.fromEntries(jobs.map((job) => [job, { percent: count || null }])),
          lines: Object.fromEntries(jobs.map((job) => [job, lines])),
        };
      }),
    );
}

test("given seven tabs over HTTP/1.1, one stream serves all, and the app's own requests are answered", async () => {
  await change();
  await untilRight(tabs);
  expect(site.streams()).toBe(1);
});
