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
  const statuses = await Promise.all(tabs.map(fetchOwn));
  expect(statuses).toEqual(tabs.map(() => 200));
});

/** Sends a request of the app. Rejects if there is no connection left for it. */
function fetchOwn(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const response = await fetch("/own", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    return response.status;
  });
}

/** Changes the jobs before and after the leader has gone, and waits for the other tabs. */
async function expectReplaced(
  goAway: (leader: Page) => Promise<unknown>,
  streams = 1,
): Promise<void> {
  const [leader, ...others] = tabs as [Page, ...Page[]];
  await change();
  await untilRight(tabs);
  await goAway(leader);
  await change();
  await untilRight(others);
  await change();
  await untilRight(others);
  await expect.poll(site.streams).toBe(streams);
}

async function freeze(page: Page, state: "frozen" | "active"): Promise<void> {
  const session = await context.newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state });
}

test("given a leader that is closed, another tab replaces it", () =>
  expectReplaced((leader) => leader.close()));

test("given a leader that crashes, another tab replaces it", () =>
  expectReplaced(async (leader) => {
    const session = await context.newCDPSession(leader);
    const crashed = leader.waitForEvent("crash");
    void session.send("Page.crash").catch(() => {});
    await crashed;
  }));

test("given a leader that is frozen, another tab replaces it, and the leader follows when it goes on", async () => {
  await expectReplaced((leader) => freeze(leader, "frozen"));
  await freeze(tabs[0] as Page, "active");
  await untilRight(tabs);
  expect(site.streams()).toBe(1);
});

test("given a leader in a debugger, another tab replaces it, and the leader follows later", async () => {
  const session = await context.newCDPSession(tabs[0] as Page);
  const paused = new Promise((resolve) => session.once("Debugger.paused", resolve));
  // The stream of the page that does nothing stays open.
  await expectReplaced(async () => {
    await session.send("Debugger.enable");
    await session.send("Debugger.pause");
    // The next message stops the page.
    await change();
    await paused;
  }, 2);
  await session.send("Debugger.resume");
  await session.send("Debugger.disable");
  await untilRight(tabs);
  await expect.poll(site.streams).toBe(1);
});

test("given a leader in the back/forward cache, another tab replaces it, and it follows when it is back", async () => {
  const [leader] = tabs as [Page];
  await expectReplaced((page) => page.goto("about:blank"));
  await leader.goBack({ waitUntil: "commit" });
  await untilRight(tabs);
  expect(await recordOf(leader)).toMatchObject({ wasCached: true });
  expect(site.streams()).toBe(1);
});
