import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { launchChromium } from "./chromium.js";

const BASE = "/api/progress";
const SCRIPT = fileURLToPath(
  new URL("../../packages/client/dist/progress.global.js", import.meta.url),
);

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

/** A server with one job, and a page of it whose clock a test moves. */
interface Site {
  readonly page: Page;
  readonly jobId: string;
  /** Destroys every connection. */
  cut(): void;
}

async function openSite(): Promise<Site> {
  const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
  const serve = nodeProgress(progress, { base: BASE });
  const server = http.createServer((request, response) => {
    if (request.url?.startsWith(BASE)) return serve(request, response);
    response.writeHead(200, { "content-type": "text/html" });
    response.end(`<title>page</title><script>${readFileSync(SCRIPT, "utf8")}</script>`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const context = await browser.newContext();
  onTestFinished(async () => {
    await context.close();
    server.closeAllConnections();
    server.close();
    await progress.close();
  });
  const page = await context.newPage();
  await page.clock.install();
  await page.addInitScript(() =>
    Object.defineProperty(navigator, "onLine", { get: () => false, configurable: true }),
  );
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  const { id } = await progress.create({ kind: "video" });
  return { page, jobId: id, cut: () => server.closeAllConnections() };
}

type PageGlobals = {
  EmLinhProgress: typeof import("@emlinh/progress-client");
  watch: import("@emlinh/progress-client").JobWatch;
};

function watchIn({ page, jobId }: Site, options: object = {}): Promise<void> {
  return page.evaluate(
    ([id, more]) => {
      const globals = globalThis as never as PageGlobals;
      globals.watch = globals.EmLinhProgress.watchJob(id, { baseUrl: "/api/progress", ...more });
      globals.watch.subscribe(() => {});
    },
    [jobId, options] as const,
  );
}

async function untilStatus(page: Page, expected: string): Promise<void> {
  await page.waitForFunction((status) => {
    const { watch } = globalThis as never as PageGlobals;
    return watch.getSnapshot().connection.status === status;
  }, expected);
}

/** Moves the clock in steps that are shorter than the limit of a request, whose answer takes real time. */
async function runUntilNextAttempt(page: Page, maxMs: number): Promise<void> {
  const status = () =>
    page.evaluate(() => (globalThis as never as PageGlobals).watch.getSnapshot().connection.status);
  for (let passedMs = 0; (await status()) === "offline"; passedMs += 4000) {
    expect(passedMs).toBeLessThanOrEqual(maxMs);
    await page.clock.runFor(4000);
  }
}

test("given a browser that is offline by mistake, a stream that is cut comes back within a minute", async () => {
  const site = await openSite();
  await watchIn(site);
  await untilStatus(site.page, "live");
  await site.page.evaluate(() => dispatchEvent(new Event("offline")));
  site.cut();
  await site.page.waitForFunction(() => {
    const { watch } = globalThis as never as PageGlobals;
    return watch.getSnapshot().connection.error !== undefined;
  });
  await untilStatus(site.page, "offline");
  await runUntilNextAttempt(site.page, 60_000);
  await untilStatus(site.page, "live");
});

test.each([
  [{ headers: { "x-name": "đ" } }, "đ"],
  [{ baseUrl: "http://user:secret@127.0.0.1:1/api" }, "@127.0.0.1:1/api"],
  [{ baseUrl: "localhost:3000/api" }, "localhost:3000/api"],
])("given %j, the watch closes at once and names the value", async (options, value) => {
  const site = await openSite();
  await watchIn(site, options);
  await untilStatus(site.page, "closed");
  const error = await site.page.evaluate(() => {
    const { watch } = globalThis as never as PageGlobals;
    const { code, message } = watch.getSnapshot().connection.error ?? {};
    return { code, message };
  });
  expect(error).toEqual({ code: "invalid-option", message: expect.stringContaining(value) });
});
