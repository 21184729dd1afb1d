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

/** A server behind nginx. */
interface Upstream {
  readonly progress: Progress;
  /** Such as `127.0.0.1:41234`. */
  readonly address: string;
  /** The number of streams and polls that it answered with 200. */
  served(): number;
  /** The number of responses with 500 or above. */
  refused(): number;
  /** Closes it and all its connections at once. */
  kill(): Promise<void>;
}

/** Starts a server over a store. To nginx it looks like one in another process. */
async function startUpstream(store: ProgressStore): Promise<Upstream> {
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
    served: () => statuses.filter((status) => status === 200).length + progress.metrics().slots,
    refused: () => statuses.filter((status) => status >= 500).length,
    kill,
  };
}

interface Fixture {
  readonly store: ProgressStore;
  readonly upstreams: readonly [Upstream, Upstream];
  readonly nginx: Nginx;
  /** A job, and a reader that watches it through nginx. */
  readonly jobId: string;
  readonly viewer: Viewer;
}

/** Starts two servers over one store, and an nginx in front of them with this configuration. */
async function startFixture(conf: (addresses: readonly string[]) => string): Promise<Fixture> {
  const store = memoryStore();
  const upstreams = [await startUpstream(store), await startUpstream(store)] as const;
  const text = conf(upstreams.map(({ address }) => address));
  const nginx = await startNginx({
    http: (port) => text.replace(/listen 80;/u, `listen 127.0.0.1:${port};`),
  });
  onTestFinished(() => nginx.stop());
  const { id: jobId } = await upstreams[0].progress.create({ kind: "count" });
  const viewer = await openNodeViewer(jobId, { baseUrl: `${nginx.url}${BASE}`, backoffMs: [50] });
  onTestFinished(() => viewer.close());
  await viewer.until("the job", ({ job }) => job !== null);
  return { store, upstreams, nginx, jobId, viewer };
}

/** The configuration in the guide. */
const GUIDE = /```nginx\n(.+?)```/su.exec(
  readFileSync(new URL("../../docs/deploying.md", import.meta.url), "utf8"),
)?.[1];

function guide(addresses: readonly string[]): string {
  const [first = "", second = ""] = addresses;
  return String(GUIDE).replace("127.0.0.1:3001", first).replace("127.0.0.1:3002", second);
}

/** No settings for event streams at all. */
function bare([address]: readonly string[]): string {
  return `server { listen 80; location / { proxy_pass http://${address}; } }`;
}

/** Reports changes one by one, each after the reader has seen the one before, so that a delay of one delays all. */
async function reportStepByStep({ upstreams, jobId, viewer }: Fixture): Promise<void> {
  const job = await upstreams[0].progress.open(jobId);
  for (let percent = 5; percent < 100; percent += 5) {
    job.update({ percent });
    await viewer.until(`${percent} %`, (record) => record.job?.percent === percent);
  }
  await job.complete({ done: true });
  await viewer.until("the end", ({ ends }) => ends > 0);
}

describe.skipIf(NGINX_MISSING)("a stream through nginx", () => {
  test.each([
    ["the settings of the guide", guide],
    ["no settings", bare],
  ])("given %s, passes each event at once", async (_, conf) => {
    const fixture = await startFixture(conf);
    await reportStepByStep(fixture);
    const { store, jobId, viewer } = fixture;
    await expectRight(store, jobId, await viewer.until("it", ({ settled }) => settled !== null));
    expect(viewer.record?.connections).not.toContain("polling");
    expect(viewer.record?.connections).not.toContain("waiting");
  });

  test("given the settings of the guide on a site with gzip, does not compress the stream", async () => {
    const gzip = "gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;";
    const encodingWith = async (conf: typeof guide): Promise<string | null> => {
      const { nginx, jobId } = await startFixture((addresses) => `${gzip}\n${conf(addresses)}`);
      const stop = new AbortController();
      const response = await fetch(`${nginx.url}${BASE}/${jobId}`, {
        headers: { accept: "text/event-stream", "accept-encoding": "gzip" },
        signal: stop.signal,
      });
      stop.abort();
      return response.headers.get("content-encoding");
    };
    expect(await encodingWith(guide)).toBeNull();
    // nginx ignores `no-transform`, so the guide turns gzip off.
    expect(await encodingWith(bare)).toBe("gzip");
  });

  test("given a server that drains, readers continue on the other one and see no refusal", async () => {
    const fixture = await startFixture(guide);
    const { upstreams, viewer, store, jobId } = fixture;
    const [first, other] = upstreams[0].served() > 0 ? upstreams : [upstreams[1], upstreams[0]];
    const before = other.served();
    await first.progress.drain({ spreadMs: 0 });
    // Whichever server nginx asks first, each answer is a stream.
    const statuses = await Promise.all([1, 2, 3, 4].map(() => statusOf(fixture)));
    expect(statuses).toEqual([200, 200, 200, 200]);
    const job = await other.progress.open(jobId);
    job.update({ message: "after" });
    await viewer.until(
      "the change on the other server",
      (record) => record.job?.message === "after",
    );
    expect(other.served()).toBeGreaterThan(before);
    expect(first.refused()).toBeGreaterThan(0);
    await job.complete(null);
    await expectRight(store, jobId, await viewer.until("the end", ({ ends }) => ends > 0));
  });

  test("given a server that dies, the reader continues on the other one", async () => {
    const fixture = await startFixture(guide);
    const { upstreams, viewer, store, jobId } = fixture;
    const [first, other] = upstreams[0].served() > 0 ? upstreams : [upstreams[1], upstreams[0]];
    await first.kill();
    const job = await other.progress.open(jobId);
    job.log("after");
    await viewer.until("the change on the other server", ({ log }) => log.length === 1);
    await job.complete(null);
    await expectRight(store, jobId, await viewer.until("the end", ({ ends }) => ends > 0));
  });
});

async function statusOf({ nginx, jobId }: Fixture): Promise<number> {
  const stop = new AbortController();
  const { status } = await fetch(`${nginx.url}${BASE}/${jobId}`, {
    headers: { accept: "text/event-stream" },
    signal: stop.signal,
  });
  stop.abort();
  return status;
}
