import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import type { Record } from "../faults/record.js";
import { inbox, type OpenViewer, type Viewer } from "../faults/viewer.js";

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The files of the page of the viewers: the script-tag build of the client, and the recorder. */
export async function viewerFiles(): Promise<{ [path: string]: { type: string; body: string } }> {
  const recorder = await build({
    entryPoints: [at("../faults/record.ts")],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "Recorder",
  });
  const script = (body: string) => ({ type: "text/javascript", body });
  return {
    "/viewer": {
      type: "text/html",
      body: [
        "<!doctype html><title>viewer</title>",
        '<script src="/progress.global.js"></script>',
        '<script src="/recorder.js"></script>',
      ].join(""),
    },
    "/progress.global.js": script(
      readFileSync(at("../../packages/client/dist/progress.global.js"), "utf8"),
    ),
    "/recorder.js": script(recorder.outputFiles[0]?.text ?? ""),
  };
}

/** A viewer in a page of a browser. A test can take its page offline, reload it or hide it. */
export interface PageViewer extends Viewer {
  readonly page: Page;
}

/** Returns a function that opens viewers in pages of a browser, each in a context of its own. */
export function pageViewers(
  browser: Browser,
): (...args: Parameters<OpenViewer>) => Promise<PageViewer> {
  return async (jobId, options) => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const box = inbox();
    await page.exposeFunction("putRecord", (record: Record) => box.put(record));
    await page.goto(new URL("/viewer", options.baseUrl).href);
    await page.evaluate(
      ([jobId, options]) => {
        const { EmLinhProgress, Recorder, putRecord } = globalThis as never as {
          EmLinhProgress: typeof import("@emlinh/progress-client");
          Recorder: typeof import("../faults/record.js");
          putRecord(record: Record): void;
        };
        Recorder.recordWatch(EmLinhProgress.watchJob(jobId, options), putRecord);
      },
      [jobId, options] as const,
    );
    return {
      page,
      until: box.until,
      get record() {
        return box.record;
      },
      close: async () => {
        box.end();
        await context.close();
      },
    };
  };
}
