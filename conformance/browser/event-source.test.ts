import type { Browser } from "playwright-core";
import { afterAll, beforeAll } from "vitest";
import { followMany } from "../clients/follow-many.js";
import { EVENTS } from "../clients/sse-client.js";
import { launchChromium } from "./chromium.js";

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser?.close());

followMany({
  name: "the EventSource of Chromium",
  sendsCursors: false,
  setsHeaders: false,
  async open({ url, onEvent, onFault }) {
    const page = await browser.newPage();
    await page.exposeFunction("deliver", onEvent);
    page.on("pageerror", (error) => onFault(String(error)));
    await page.goto(new URL("/", url()).href);
    await page.evaluate(
      ([url, names]) => {
        const { deliver } = globalThis as never as { deliver: typeof onEvent };
        const source = new EventSource(url);
        for (const name of names)
          source.addEventListener(name, ({ type, data, lastEventId }) =>
            deliver({ event: type, data, id: lastEventId }),
          );
      },
      [url(), EVENTS] as const,
    );
    return () => page.close();
  },
});
