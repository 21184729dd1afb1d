import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { allowAnyone, createProgress, memoryStore } from "@emlinh/progress-server";
import { nodeProgress } from "@emlinh/progress-server/adapters/node";
import { build } from "esbuild";
import type { BrowserContext, Page } from "playwright-core";
import { onTestFinished } from "vitest";

const BASE = "/api/progress";
const client = fileURLToPath(new URL("../../packages/client/dist/", import.meta.url));

/** A server over HTTP/1.1 with a page whose script shares one connection among tabs. */
export interface TabSite {
  readonly url: string;
  /** Sets the percent of each job, and appends a line to it. */
  change(percent: number): Promise<void>;
  /** Streams that are open at the moment. */
  readonly streams: () => number;
  /** Streams that were opened so far. */
  readonly opened: () => number;
}

/** What a tab has seen, as its script notes it. */
export interface TabRecord {
  readonly status: string;
  /** Whether the page was taken out of the back/forward cache. */
  readonly wasCached: boolean;
  /** By job. */
  readonly jobs: { readonly [jobId: string]: { readonly percent: number | null } };
  /** The texts of the log lines in the order of their events, by job. */
  readonly lines: { readonly [jobId: string]: readonly string[] };
}

/** The script of the page: the build of both entries. */
async function script(): Promise<string> {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        import { JobManager } from "${client}index.js";
        import { shareTabs } from "${client}tabs/index.js";
        const record = { status: "", wasCached: false, jobs: {}, lines: {} };
        addEventListener("pageshow", (event) => { record.wasCached ||= event.persisted; });
        const jobs = new URLSearchParams(location.search).getAll("job");
        const tabs = shareTabs({ key: "user" });
        const manager = new JobManager({ baseUrl: "${BASE}", storage: false, tabs });
        for (const id of jobs) {
          const watch = manager.watch(id);
          const lines = record.lines[id] = [];
          watch.on("log", ({ text }) => lines.push(text));
          watch.subscribe(({ job, connection }) => {
            record.status = connection.status;
            if (job) record.jobs[id] = { percent: job.percent };
          });
        }
        globalThis.record = record;`,
      resolveDir: client,
    },
    bundle: true,
    write: false,
    format: "iife",
  });
  return outputFiles[0]?.text ?? "";
}

export async function openTabSite(jobs: readonly string[]): Promise<TabSite> {
  const progress = createProgress({ store: memoryStore(), authorize: allowAnyone });
  const reporters = await Promise.all(
    jobs.map(async (id) => progress.open(await progress.create({ kind: "test", id }))),
  );
  const serve = nodeProgress(progress, { base: BASE });
  const code = await script();
  let open = 0;
  let opened = 0;
  const server = http.createServer((request, response) => {
    const { url = "", headers } = request;
    if (url.startsWith(BASE)) {
      if (headers.accept?.includes("text/event-stream")) {
        open += 1;
        opened += 1;
        response.once("close", () => {
          open -= 1;
        });
      }
      return serve(request, response);
    }
    const isScript = url === "/script.js";
    response.writeHead(200, { "content-type": isScript ? "text/javascript" : "text/html" });
    response.end(isScript ? code : '<title>tab</title><script src="/script.js"></script>');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await progress.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    streams: () => open,
    opened: () => opened,
    async change(percent) {
      for (const reporter of reporters) {
        reporter.update({ percent });
        reporter.log(`line ${percent}`);
      }
      await Promise.all(reporters.map((reporter) => reporter.flush()));
    },
  };
}

export async function openTab(
  context: BrowserContext,
  { url }: TabSite,
  jobs: readonly string[],
): Promise<Page> {
  const page = await context.newPage();
  await page.goto(`${url}?${jobs.map((job) => `job=${job}`).join("&")}`);
  return page;
}

export function recordOf(page: Page): Promise<TabRecord> {
  return page.evaluate(() => (globalThis as never as { record: TabRecord }).record);
}
