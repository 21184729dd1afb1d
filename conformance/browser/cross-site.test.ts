import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { allowAnyone, createProgress, memoryStore, type Progress } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import type { Browser, Page } from "playwright-core";
import { createServer as createVite } from "vite";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { launchChromium } from "./chromium.js";

const BASE = "/api/progress";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

/** A server with its progress and a page. */
interface Site {
  readonly origin: string;
  readonly progress: Progress;
}

async function listen(server: http.Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

async function openSite(trustedOrigins: readonly string[] = []): Promise<Site> {
  const progress = createProgress({
    store: memoryStore(),
    authorize: allowAnyone,
    trustedOrigins,
  });
  onTestFinished(() => progress.close());
  const serve = nodeProgress(progress, { base: BASE });
  const origin = await listen(
    http.createServer((request, response) => {
      if (request.url?.startsWith(BASE)) return serve(request, response);
      response.writeHead(200, { "content-type": "text/html" }).end("<title>own</title>");
    }),
  );
  return { origin, progress };
}

/** Another site. Its host name differs from that of the server, because a site may have several ports. */
async function openForeignSite(): Promise<string> {
  const origin = await listen(
    http.createServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/html" }).end("<title>foreign</title>");
    }),
  );
  return origin.replace("localhost", "127.0.0.1");
}

/** A Vite development server that passes requests of `/api` on. */
async function openVite(target: string, changeOrigin: boolean): Promise<string> {
  const vite = await createVite({
    configFile: false,
    logLevel: "silent",
    server: { host: "127.0.0.1", port: 0, proxy: { "/api": { target, changeOrigin } } },
    appType: "custom",
  });
  onTestFinished(() => vite.close());
  vite.middlewares.use((_request, response) => {
    response.setHeader("content-type", "text/html").end("<title>Vite</title>");
  });
  await vite.listen();
  const [url = ""] = vite.resolvedUrls?.local ?? [];
  return new URL(url).origin;
}

async function openPage(url: string): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(url);
  return page;
}

/** Sends a cancel without CORS, with the cookies of the user. @returns its status, if the page may read it. */
function fetchCancel(page: Page, url: string): Promise<number | "unreadable"> {
  return page.evaluate(async (url) => {
    const response = await fetch(url, { method: "POST", mode: "no-cors", credentials: "include" });
    return response.type === "opaque" ? "unreadable" : response.status;
  }, url);
}

async function newJob({ progress, origin }: Site): Promise<{ id: string; cancel: string }> {
  const { id } = await progress.create({ kind: "test" });
  return { id, cancel: `${origin}${BASE}/${id}/cancel` };
}

test("given a page of the server itself, a cancel is accepted", async () => {
  const site = await openSite();
  const { id, cancel } = await newJob(site);
  const page = await openPage(site.origin);
  expect(await fetchCancel(page, cancel)).toBe(202);
  expect((await site.progress.status(id))?.status).toBe("cancelled");
});

test.each([false, true])(
  "given a page behind Vite's proxy with changeOrigin %s, a cancel is accepted",
  async (changeOrigin) => {
    const site = await openSite();
    const { id } = await newJob(site);
    const vite = await openVite(site.origin, changeOrigin);
    const page = await openPage(`${vite}/`);
    expect(await fetchCancel(page, `${vite}${BASE}/${id}/cancel`)).toBe(202);
    expect((await site.progress.status(id))?.status).toBe("cancelled");
  },
);

test("given a page of another site, neither fetch nor a form cancels a job", async () => {
  const site = await openSite();
  const { id, cancel } = await newJob(site);
  const page = await openPage(await openForeignSite());
  expect(await fetchCancel(page, cancel)).toBe("unreadable");
  const answer = page.waitForResponse(cancel);
  await page.evaluate((action) => {
    const form = Object.assign(document.createElement("form"), { method: "post", action });
    document.body.append(form);
    form.submit();
  }, cancel);
  expect((await answer).status()).toBe(403);
  expect((await site.progress.status(id))?.status).toBe("queued");
});

test("given a page of a trusted origin, a cancel is accepted", async () => {
  const foreign = await openForeignSite();
  const site = await openSite([foreign]);
  const { id, cancel } = await newJob(site);
  await fetchCancel(await openPage(foreign), cancel);
  expect((await site.progress.status(id))?.status).toBe("cancelled");
});
