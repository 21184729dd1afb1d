import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createProgress, createTickets, memoryStore } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { launchChromium } from "./chromium.js";

const BASE = "/api/progress";

let browser: Browser;

beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

/** A server that accepts only tickets, and a page of the same origin. */
async function openPage() {
  const { createTicket, authorizeByTicket } = createTickets({
    secrets: [crypto.getRandomValues(new Uint8Array(32))],
  });
  const progress = createProgress({ store: memoryStore(), authorize: authorizeByTicket });
  const serve = nodeProgress(progress, { base: BASE });
  const server = createServer((request, response) => {
    if (request.url?.startsWith(BASE)) return serve(request, response);
    response.writeHead(200, { "content-type": "text/html" }).end("<title>page</title>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const page = await browser.newPage();
  onTestFinished(async () => {
    await page.close();
    server.closeAllConnections();
    server.close();
    await progress.close();
  });
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  return { createTicket, progress, page };
}

test("given a native EventSource with a ticket in its URL, it watches its job to the end, and no other", async () => {
  const { createTicket, progress, page } = await openPage();
  const { id: jobId } = await progress.create({ kind: "test" });
  const { id: otherId } = await progress.create({ kind: "test" });
  const ticket = await createTicket({ jobId, actions: ["watch"], expiresInMs: 60_000 });
  const watch = (id: string) =>
    page.evaluate(async (url) => {
      const source = new EventSource(url);
      return new Promise<string>((resolve) => {
        source.addEventListener("snapshot", () => (document.title = "watching"));
        source.addEventListener("end", ({ data }) => {
          source.close();
          resolve(JSON.parse(data).set.status);
        });
        // A stream that was cut would be CONNECTING.
        source.addEventListener("error", () =>
          resolve(source.readyState === EventSource.CLOSED ? "refused" : "cut"),
        );
      });
    }, `${BASE}/${id}?ticket=${ticket}`);
  const watching = watch(jobId);
  await page.waitForFunction(() => document.title === "watching");
  await progress.run(jobId, async () => ({ done: true }));
  expect(await watching).toBe("completed");
  expect(await watch(otherId)).toBe("refused");
});
