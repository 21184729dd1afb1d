import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { browserPage, type PageEvent } from "../src/core/page.js";

/** The globals that a page has and Node lacks. The real ones are met in the browser runs. */
let page: { window: EventTarget; document: { hidden: boolean }; onLine: boolean };
let told: PageEvent[];
beforeEach(() => {
  page = {
    window: new EventTarget(),
    document: { hidden: false },
    onLine: true,
  };
  told = [];
  vi.stubGlobal("addEventListener", page.window.addEventListener.bind(page.window));
  vi.stubGlobal("document", page.document);
  vi.stubGlobal("navigator", {
    get onLine() {
      return page.onLine;
    },
  });
});
afterEach(() => vi.unstubAllGlobals());

function listen(pauseWhenHidden = false): () => void {
  const subscribe = browserPage(pauseWhenHidden);
  if (!subscribe) throw new Error("There is a document.");
  return subscribe((event) => told.push(event));
}

describe("the life of a browser's page", () => {
  test.each([
    ["online", "check"],
    ["pageshow", "check"],
    ["resume", "check"],
    ["visibilitychange", "check"],
    ["pagehide", "pause"],
    ["freeze", "pause"],
  ] as const)("given %s, tells %s", (type, expected) => {
    listen();
    page.window.dispatchEvent(new Event(type));
    expect(told).toEqual([expected]);
  });

  test("given a page that is back without a network, tells offline", () => {
    listen();
    page.onLine = false;
    for (const type of ["offline", "pageshow"]) page.window.dispatchEvent(new Event(type));
    expect(told).toEqual(["offline", "offline"]);
  });

  test("given no network from the beginning, tells it at once", () => {
    page.onLine = false;
    listen();
    expect(told).toEqual(["offline"]);
  });

  test("given a page that hides, goes on, unless it is to pause; then it is paused from the beginning, too", () => {
    const [stopGoing, stopPausing] = [listen(), listen(true)];
    page.document.hidden = true;
    page.window.dispatchEvent(new Event("visibilitychange"));
    expect(told).toEqual(["check", "pause"]);
    stopGoing();
    stopPausing();
    listen(true);
    expect(told).toEqual(["check", "pause", "pause"]);
  });

  test("given that nobody listens any more, tells nothing", () => {
    listen()();
    page.window.dispatchEvent(new Event("online"));
    expect(told).toEqual([]);
  });

  test("given no document, there is no page", () => {
    vi.stubGlobal("document", undefined);
    expect(browserPage(false)).toBe(false);
  });
});
