import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { createProgress, memoryStore, type Progress } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { onTestFinished } from "vitest";
import type { SeenJob, View } from "./observer.js";

const BASE = "/api/progress";

/** A real server of many jobs, whose connections a test can cut. */
export interface ManySite {
  readonly progress: Progress;
  readonly baseUrl: string;
  /** The `Last-Event-ID` of each request that had one. */
  readonly lastEventIds: readonly string[];
  /** Cuts every connection. Requests that arrive while `meanwhile` runs are answered after it. */
  cut(meanwhile: () => Promise<unknown>): Promise<void>;
  /** The view that a reader of these jobs and of this list must have. */
  truth(named: readonly string[], subject: string): Promise<View>;
}

/** Starts the server. Its other paths are empty pages. */
export async function openManySite(): Promise<ManySite> {
  const store = memoryStore();
  const progress = createProgress({ store, authorize: () => true, retryMs: 50 });
  const answer = nodeProgress(progress, { base: BASE });
  const lastEventIds: string[] = [];
  let gate: Promise<unknown> = Promise.resolve();
  const server = http.createServer(async (request, response) => {
    if (!request.url?.startsWith(BASE))
      return response.writeHead(200, { "content-type": "text/html" }).end("<title>page</title>");
    lastEventIds.push(...[request.headers["last-event-id"] ?? []].flat());
    await gate;
    return answer(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await progress.close();
    await store.close();
  });

  async function jobOf(jobId: string): Promise<SeenJob | undefined> {
    const status = await progress.status(jobId);
    if (status === undefined) return undefined;
    const { etaMs: _, ...job } = status;
    return { ...job, log: (await store.read(jobId))?.log ?? [] };
  }

  return {
    progress,
    lastEventIds,
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`,
    async cut(meanwhile) {
      server.closeAllConnections();
      const done = meanwhile();
      gate = done.catch(() => {});
      await done;
    },
    async truth(named, subject) {
      const { jobs: listed } = await store.list(subject, { limit: 100 });
      const jobs: Record<string, SeenJob> = {};
      const refused: Record<string, string> = {};
      for (const jobId of [...named, ...listed]) {
        const job = await jobOf(jobId);
        if (job === undefined) refused[jobId] = "job-expired";
        else jobs[jobId] = job;
      }
      return { listed, jobs, refused };
    },
  };
}
