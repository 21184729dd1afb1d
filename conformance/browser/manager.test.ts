import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import type { Browser, BrowserContext, Page } from "playwright-core";
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

type Client = { readonly EmLinhProgress: typeof import("@emlinh/progress-client") };

/** A server over HTTP/1.1 with running jobs, the client's script, a page, and a route that creates jobs. */
async function openSite(jobs: readonly string[]): Promise<string> {
  const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
  for (const id of jobs) await progress.create({ kind: "test", id });
  const serve = nodeProgress(progress, { base: BASE });
  const server = http.createServer(async (request, response) => {
    if (request.url?.startsWith(BASE)) return serve(request, response);
    if (request.method === "POST") {
      const { id } = await progress.create({ kind: "test" });
      response.writeHead(202, { "content-type": "application/json" });
      return response.end(JSON.stringify({ jobId: id }));
    }
    const isScript = request.url === "/client.js";
    response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? readFileSync(SCRIPT) : '<script src="/client.js"></script>');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    await progress.close();
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function openContext(): Promise<BrowserContext> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  return context;
}

async function openTab(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  return page;
}

/** Watches jobs in a tab. @returns the ids of all watches, once they have data. */
function watchInTab(page: Page, jobs: readonly string[] | "stored"): Promise<string[]> {
  return page.evaluate(async (jobs) => {
    const { EmLinhProgress } = globalThis as never as Client;
    const manager = new EmLinhProgress.JobManager({
      baseUrl: "/api/progress",
      storage: localStorage,
    });
    const watches =
      jobs === "stored" ? manager.resume() : jobs.map((jobId) => manager.watch(jobId));
    const known = (watch: (typeof watches)[number]) =>
      new Promise<void>((resolve) => {
        watch.subscribe(() => watch.getSnapshot().job && resolve());
      });
    await Promise.all(watches.map(known));
    return watches.map(({ jobId }) => jobId);
  }, jobs);
}

/** Sends a request of the app. @returns its status; rejects if there is no connection left for it. */
function fetchOwn(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const response = await fetch("/own", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    return response.status;
  });
}

test("given two tabs with four running jobs each over HTTP/1.1, the app's own requests are answered", async () => {
  const [first, second] = ["a", "b"].map((tab) => [1, 2, 3, 4].map((count) => `${tab}${count}`));
  if (!first || !second) throw new Error("unreachable");
  const url = await openSite([...first, ...second]);
  const context = await openContext();
  const tabs = [await openTab(context, url), await openTab(context, url)] as const;
  await watchInTab(tabs[0], first);
  expect(await fetchOwn(tabs[1])).toBe(200);
  await watchInTab(tabs[1], second);
  for (const tab of tabs) expect(await fetchOwn(tab)).toBe(200);
});

test("given a worker with eight running jobs over HTTP/1.1, it can create another one", async () => {
  const jobs = [1, 2, 3, 4, 5, 6, 7, 8].map((count) => `w${count}`);
  const url = await openSite(jobs);
  const page = await openTab(await openContext(), url);
  const created = await page.evaluate(async (jobs) => {
    const code = `
      importScripts("${location.origin}/client.js");
      const manager = new EmLinhProgress.JobManager({
        baseUrl: "${location.origin}/api/progress",
        createUrl: "${location.origin}/create",
      });
      for (const jobId of ${JSON.stringify(jobs)}) manager.watch(jobId).subscribe(() => {});
      manager.create({}, { signal: AbortSignal.timeout(5000) }).then(
        ({ jobId }) => postMessage({ jobId }),
        (error) => postMessage({ error: String(error) }),
      );`;
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    return new Promise((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
    });
  }, jobs);
  expect(created).toEqual({ jobId: expect.any(String) });
});

test("given two tabs that share localStorage, each finds the jobs of both", async () => {
  const url = await openSite(["a", "b"]);
  const context = await openContext();
  const [one, two] = [await openTab(context, url), await openTab(context, url)];
  await watchInTab(one, ["a"]);
  await watchInTab(two, ["b"]);
  expect(await watchInTab(one, "stored")).toEqual(["a", "b"]);
  await two.reload();
  expect(await watchInTab(two, "stored")).toEqual(["a", "b"]);
});
