import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe } from "vitest";
import { launchChromium } from "../../../../conformance/browser/chromium.js";
import { findEncoder } from "../../test/pipeline/support.js";

const encoder = await findEncoder();

/** Groups tests of the page in one browser. Without an encoder they are skipped, visibly. In CI that fails. */
export function describeInBrowser(name: string, tests: (browser: () => Browser) => void): void {
  describe.skipIf(!encoder)(name, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser.close());
    tests(() => browser);
  });
}
