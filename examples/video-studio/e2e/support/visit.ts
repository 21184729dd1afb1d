import type { Browser, BrowserContext, BrowserContextOptions, Page } from "playwright-core";
import { expect, onTestFinished } from "vitest";
import { createPageHistory, type PageHistory, type PageState } from "./page-history.js";
import { observePage } from "./page-observer.js";

/** The browser's message about a request that failed because a test has broken the network. */
export const NETWORK_ERROR = /Failed to load resource: net::ERR_/u;

/**
 * The browser's message about a preview that was removed before it was loaded. The job ended in the meantime, and the
 * page shows the drawing or the video instead.
 */
const PREVIEW_REMOVED = /status of 404 .*\/preview\?f=\d+\)$/u;

/** Options of {@link visit}. */
export interface VisitOptions {
  /** The browser context or its options. @defaultValue a context with the locale `vi-VN` */
  readonly context?: BrowserContext | BrowserContextOptions;
  /** Messages of the console that the test expects. */
  readonly expected?: readonly RegExp[];
  /** Called before the address is opened. */
  readonly prepare?: (page: Page) => Promise<void>;
}

/** A visitor of the studio. */
export interface Visit extends Pick<PageHistory, "until"> {
  readonly page: Page;
  readonly context: BrowserContext;
  /** All states of the page so far. */
  readonly states: readonly PageState[];
  /** Types a topic into the composer and presses Enter. */
  ask(topic: string): Promise<void>;
  /** Plays the newest video to its end, muted. Resolves with its width. */
  play(): Promise<number>;
}

/** Opens an address in a page. It is closed with the test, which fails if the page had unexpected problems. */
export async function visit(
  browser: Browser,
  url: string,
  { context: given = {}, expected = [], prepare }: VisitOptions = {},
): Promise<Visit> {
  const isContext = "newPage" in given;
  const context = isContext ? given : await browser.newContext({ locale: "vi-VN", ...given });
  if (!isContext) onTestFinished(() => context.close());
  const page = await context.newPage();
  const problems = problemsOf(page);
  onTestFinished(() => {
    const patterns = [PREVIEW_REMOVED, ...expected];
    const left = problems.filter((problem) => !patterns.some((pattern) => pattern.test(problem)));
    expect(left, `problems at ${url}`).toEqual([]);
  });
  const history = createPageHistory();
  await page.exposeFunction("reportPageState", history.add);
  await page.addInitScript(observePage);
  await prepare?.(page);
  await page.goto(url);
  return {
    page,
    context,
    states: history.all,
    until: history.until,
    ask: (topic) => ask(page, topic),
    play: () => play(page),
  };
}

/** The problems of a page: errors, warnings, violations of its security policy, and dialogs that a text opened. */
function problemsOf(page: Page): readonly string[] {
  const problems: string[] = [];
  page.on("console", (message) => {
    const { url } = message.location();
    if (["error", "warning"].includes(message.type())) problems.push(`${message.text()} (${url})`);
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("dialog", (dialog) => {
    problems.push(`A dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  return problems;
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
      const ended = new Promise((resolve, reject) => {
        video.addEventListener("ended", resolve);
        video.addEventListener("error", () => reject(new Error(video.error?.message)));
      });
      video.muted = true;
      await video.play();
      await ended;
      return video.videoWidth;
    });
}
