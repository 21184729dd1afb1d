import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Authorize,
  type CorsOptions,
  createProgress,
  memoryStore,
  type Progress,
} from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { launchChromium } from "./chromium.js";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

/** Two ports of one host are two origins of one site, so a browser sends the cookies without TLS. */
async function listen(listener: http.RequestListener): Promise<string> {
  const server = http.createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Allows the user whose cookie the pages set. */
const authorize: Authorize = ({ facts }) =>
  facts.header("cookie") === "user=ann" || { allow: false, reason: "not-authenticated" };

async function openServer(cors: CorsOptions): Promise<{ origin: string; progress: Progress }> {
  const progress = createProgress({ store: memoryStore(), authorize, cors, maxStreams: 1 });
  onTestFinished(() => progress.close());
  return { progress, origin: await listen(nodeProgress(progress)) };
}

/** A site whose pages set the cookie. */
function openSite(): Promise<string> {
  return listen((_request, response) => {
    const headers = { "content-type": "text/html", "set-cookie": "user=ann" };
    response.writeHead(200, headers).end("<title>page</title>");
  });
}

async function openPage(url: string): Promise<Page> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(url);
  return page;
}

/** What a page of another origin gets. */
interface Seen {
  readonly stream: string;
  readonly poll: unknown;
  readonly unchanged: unknown;
  readonly refusal: unknown;
  readonly cancel: unknown;
}

/** Watches a job in every way, then cancels it with a header that needs a preflight. */
function useJob(page: Page, url: string): Promise<Seen> {
  return page.evaluate(async (url): Promise<Seen> => {
    const source = new EventSource(url, { withCredentials: true });
    const stream = await new Promise<string>((resolve) => {
      source.addEventListener("snapshot", ({ type }) => resolve(type));
      source.addEventListener("error", ({ type }) => resolve(type));
    });
    const ask = async (path: string, init: RequestInit = {}): Promise<unknown> => {
      try {
        const response = await fetch(`${url}${path}`, { credentials: "include", ...init });
        const { status, headers } = response;
        const { code, cursor, cancelRequested } = JSON.parse((await response.text()) || "{}");
        const hasRetryAfter = Number(headers.get("retry-after")) > 0;
        return {
          status,
          code,
          cancelRequested,
          hasEtag: headers.get("etag")?.includes(cursor),
          hasRetryAfter,
        };
      } catch (error) {
        return (error as Error).name;
      }
    };
    const poll = await ask("");
    const unchanged = await ask("/status", { headers: { "if-none-match": "*" } });
    // The only slot is taken by the stream.
    const refusal = await ask("", { headers: { accept: "text/event-stream" } });
    source.close();
    const cancel = await ask("/cancel", { method: "POST", headers: { "x-csrf-token": "1" } });
    return { stream, poll, unchanged, refusal, cancel };
  }, url);
}

test("given a page of an allowed origin, it watches, polls and cancels with its cookies", async () => {
  const site = await openSite();
  const { origin, progress } = await openServer({ origins: [site], credentials: true });
  const { id } = await progress.create({ kind: "test" });
  expect(await useJob(await openPage(site), `${origin}/${id}`)).toEqual({
    stream: "snapshot",
    poll: { status: 200, hasEtag: true, hasRetryAfter: false },
    unchanged: { status: 304, hasEtag: false, hasRetryAfter: false },
    refusal: { status: 429, code: "too-many-streams", hasRetryAfter: true },
    cancel: { status: 202, cancelRequested: true, hasRetryAfter: false },
  });
  expect((await progress.status(id))?.status).toBe("cancelled");
});

test("given a page of another origin, it gets nothing and changes nothing", async () => {
  const [site, foreign] = [await openSite(), await openSite()];
  const { origin, progress } = await openServer({ origins: [site], credentials: true });
  const { id } = await progress.create({ kind: "test" });
  expect(await useJob(await openPage(foreign), `${origin}/${id}`)).toEqual({
    stream: "error",
    poll: "TypeError",
    unchanged: "TypeError",
    refusal: "TypeError",
    cancel: "TypeError",
  });
  expect((await progress.status(id))?.status).toBe("queued");
});

test("given no credentials, a page of an allowed origin can't read with its cookies", async () => {
  const site = await openSite();
  const { origin, progress } = await openServer({ origins: [site] });
  const { id } = await progress.create({ kind: "test" });
  const { stream, poll } = await useJob(await openPage(site), `${origin}/${id}`);
  expect({ stream, poll }).toEqual({ stream: "error", poll: "TypeError" });
});
