import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe } from "vitest";
import { launchChromium } from "../../../../conformance/browser/chromium.js";
import { findEncoder } from "../../test/pipeline/support.js";

const encoder = await findEncoder();

/** Groups tests that look at the studio with one browser. They are skipped, visibly, where no video can be made; in CI that fails. */
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
