import { readFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import {
  allowAnyone,
  createProgress,
  memoryStore,
  type Progress,
  type ProgressStore,
} from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { describe, expect, onTestFinished, test } from "vitest";
import { expectRight } from "../faults/right.js";
import { openNodeViewer, type Viewer } from "../faults/viewer.js";
import { NGINX_MISSING, type Nginx, startNginx } from "./nginx.js";

const BASE = "/api/video-progress";

interface Web {
  readonly progress: Progress;
  /** Such as `127.0.0.1:41234`. */
  readonly address: string;
  /** The streams and polls that it answered with 200. */
  served(): number;
  /** The refusals. */
  refused(): number;
  /** Destroys it without a word. */
  kill(): Promise<void>;
}

/** A server of a process of its own, as far as nginx can tell. */
async function startWeb(store: ProgressStore): Promise<Web> {
  const progress = createProgress({ store, authorize: allowAnyone, retryMs: 50 });
  const handle = nodeProgress(progress, { base: BASE });
  const statuses: number[] = [];
  const server = http.createServer((request, response) => {
    handle(request, response);
    response.once("close", () => statuses.push(response.statusCode));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  async function kill(): Promise<void> {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    await progress.close();
  }
  onTestFinished(kill);
  return {
    progress,
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    served: () => statuses.filter((status) => status === 200).length + progress.stats().streams,
    refused: () => statuses.filter((status) => status >= 500).length,
    kill,
  };
}

interface Scene {
  readonly store: ProgressStore;
  readonly webs: readonly [Web, Web];
  readonly nginx: Nginx;
  /** A job, and a reader of it through nginx. */
  readonly jobId: string;
  readonly viewer: Viewer;
}

/** Two servers over one store behind an nginx with this configuration, made for their addresses. */
async function setTheScene(conf: (addresses: readonly string[]) => string): Promise<Scene> {
  const store = memoryStore();
  const webs = [await startWeb(store), await startWeb(store)] as const;
  const text = conf(webs.map(({ address }) => address));
  const nginx = await startNginx({
    http: (port) => text.replace(/listen 80;/u, `listen 127.0.0.1:${port};`),
  });
  onTestFinished(() => nginx.stop());
  const { id: jobId } = await webs[0].progress.create({ kind: "count" });
  const viewer = await openNodeViewer(jobId, { baseUrl: `${nginx.url}${BASE}`, backoffMs: [50] });
  onTestFinished(() => viewer.close());
  await viewer.until("the job", ({ job }) => job !== null);
  return { store, webs, nginx, jobId, viewer };
}

/** The file that the guide shows. */
const GUIDE = /```nginx\n(.+?)```/su.exec(
  readFileSync(new URL("../../docs/deploying.md", import.meta.url), "utf8"),
)?.[1];

function guide(addresses: readonly string[]): string {
  const [first = "", second = ""] = addresses;
  return String(GUIDE).replace("127.0.0.1:3001", first).replace("127.0.0.1:3002", second);
}

/** What nginx does if it is told nothing at all. */
function bare([address]: readonly string[]): string {
  return `server { listen 80; location / { proxy_pass http://${address}; } }`;
}

/** Reports twenty changes, each only when the one before was seen: whatever holds one back holds up all. */
async function reportStepByStep({ webs, jobId, viewer }: Scene): Promise<void> {
  const job = await webs[0].progress.open(jobId);
  for (let percent = 5; percent < 100; percent += 5) {
    job.update({ percent });
    await viewer.until(`${percent} %`, (record) => record.job?.percent === percent);
  }
  await job.complete({ done: true });
  await viewer.until("the end", ({ ends }) => ends > 0);
}

describe.skipIf(NGINX_MISSING)("a stream through nginx", () => {
  test.each([
    ["the guide's", guide],
    ["no", bare],
  ])("given %s settings, passes each event at once", async (_, conf) => {
    const scene = await setTheScene(conf);
    await reportStepByStep(scene);
    const { store, jobId, viewer } = scene;
    await expectRight(store, jobId, await viewer.until("it", ({ settled }) => settled !== null));
    expect(viewer.record?.connections).not.toContain("polling");
    expect(viewer.record?.connections).not.toContain("waiting");
  });

  test("given the guide's settings, is not compressed, whatever the rest of the site is", async () => {
    const all = "gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;";
    const accepted = async (conf: typeof guide): Promise<string | null> => {
      const { nginx, jobId } = await setTheScene((addresses) => `${all}\n${conf(addresses)}`);
      const stop = new AbortController();
      const answer = await fetch(`${nginx.url}${BASE}/${jobId}`, {
        headers: { accept: "text/event-stream", "accept-encoding": "gzip" },
        signal: stop.signal,
      });
      stop.abort();
      return answer.headers.get("content-encoding");
    };
    expect(await accepted(guide)).toBeNull();
    // Nginx does not look at `no-transform`: that is why the setting is there.
    expect(await accepted(bare)).toBe("gzip");
  });

  test("given a server that drains, goes on at the other one, and the refusal is nobody's to see", async () => {
    const scene = await setTheScene(guide);
    const { webs, viewer, store, jobId } = scene;
    const [at, other] = webs[0].served() > 0 ? webs : [webs[1], webs[0]];
    const before = other.served();
    await at.progress.drain({ spreadMs: 0 });
    // By turns or by connections, one of the two is asked first; each answer is a stream all the same.
    const answers = await Promise.all([1, 2, 3, 4].map(() => statusOf(scene)));
    expect(answers).toEqual([200, 200, 200, 200]);
    const job = await other.progress.open(jobId);
    job.update({ message: "after" });
    await viewer.until("what came after", (record) => record.job?.message === "after");
    expect(other.served()).toBeGreaterThan(before);
    expect(at.refused()).toBeGreaterThan(0);
    await job.complete(null);
    await expectRight(store, jobId, await viewer.until("the end", ({ ends }) => ends > 0));
  });

  test("given a server that dies, goes on at the other one", async () => {
    const scene = await setTheScene(guide);
    const { webs, viewer, store, jobId } = scene;
    const [at, other] = webs[0].served() > 0 ? webs : [webs[1], webs[0]];
    await at.kill();
    const job = await other.progress.open(jobId);
    job.log("after");
    await viewer.until("what came after", ({ log }) => log.length === 1);
    await job.complete(null);
    await expectRight(store, jobId, await viewer.until("the end", ({ ends }) => ends > 0));
  });
});

async function statusOf({ nginx, jobId }: Scene): Promise<number> {
  const stop = new AbortController();
  const { status } = await fetch(`${nginx.url}${BASE}/${jobId}`, {
    headers: { accept: "text/event-stream" },
    signal: stop.signal,
  });
  stop.abort();
  return status;
}
