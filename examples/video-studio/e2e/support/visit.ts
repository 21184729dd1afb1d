import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { openEyes } from "./page-eyes.js";
import { collectSights, type Sight, type Sights } from "./sights.js";

/** What may go wrong on a page without being wrong: what the browser itself writes of a network that a test has broken. */
export const NETWORK_TROUBLE = /Failed to load resource: net::ERR_/u;

/** How a visit begins. */
export interface VisitOptions {
  /** The context's; one that speaks Vietnamese, unless it is told otherwise. */
  readonly context?: BrowserContext | BrowserContextOptions;
  /** Messages of the console that this test brings about by itself. */
  readonly expected?: readonly RegExp[];
  /** Done before the address is opened. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** Somebody who looks at the studio. */
export interface Visit extends Pick<Sights, "until"> {
  readonly page: Page;
  readonly context: BrowserContext;
  /** All that was to be seen so far. */
  readonly sights: readonly Sight[];
  /** Writes into the composer and presses Enter. */
  ask(topic: string): Promise<void>;
  /** Plays the newest video to its end, muted. Resolves with the width of its picture. */
  play(): Promise<number>;
}

/** Opens an address in a page that is closed with the test; then nothing may have gone wrong on it. */
export async function visit(
  browser: Browser,
  url: string,
  { context: given = {}, expected = [], prepare }: VisitOptions = {},
): Promise<Visit> {
  const isContext = "newPage" in given;
  const context = isContext ? given : await browser.newContext({ locale: "vi-VN", ...given });
  if (!isContext) onTestFinished(() => context.close());
  const page = await context.newPage();
  const wrongs = wrongsOf(page);
  onTestFinished(() => {
    const left = wrongs.filter((wrong) => !expected.some((pattern) => pattern.test(wrong)));
    expect(left, `what went wrong at ${url}`).toEqual([]);
  });
  const sights = collectSights();
  await page.exposeFunction("tellSight", sights.put);
  await page.addInitScript(openEyes);
  await prepare?.(page);
  await page.goto(url);
  return {
    page,
    context,
    sights: sights.all,
    until: sights.until,
    ask: (topic) => ask(page, topic),
    play: () => play(page),
  };
}

/** Whatever the page or the browser complains of: errors, warnings, refusals by the page's policy, dialogs that a text opened. */
function wrongsOf(page: Page): readonly string[] {
  const wrongs: string[] = [];
  page.on("console", (message) => {
    const { url } = message.location();
    if (["error", "warning"].includes(message.type())) wrongs.push(`${message.text()} (${url})`);
  });
  page.on("pageerror", (error) => wrongs.push(String(error)));
  page.on("dialog", (dialog) => {
    wrongs.push(`A dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return wrongs;
}

async function ask(page: Page, topic: string): Promise<void> {
  const field = page.getByRole("textbox");
  await field.fill(topic);
  await field.press("Enter");
}

async function play(page: Page): Promise<number> {
  return page
    .locator("video")
    .last()
    .evaluate(async (element) => {
      const video = element as HTMLVideoElement;
      const over = new Promise((resolve, reject) => {
        video.addEventListener("ended", resolve);
        video.addEventListener("error", () => reject(new Error(video.error?.message)));
      });
      video.muted = true;
      await video.play();
      await over;
      return video.videoWidth;
    });
}
