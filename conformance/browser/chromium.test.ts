import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { behaviour } from "../faults/behaviour.js";
import { launchChromium } from "./chromium.js";
import { pageViewers, viewerFiles } from "./page-viewer.js";

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

behaviour("a reader in Chromium, by the script-tag build", {
  open: (jobId, options) => pageViewers(browser)(jobId, options),
  files: viewerFiles,
  cutEvery: 251,
  randomRuns: 5,
});
