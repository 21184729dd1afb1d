import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { browserPage, type PageEvent } from "../src/core/page.js";

/** The globals that a page has and Node lacks. The browser runs use the real ones. */
let page: { window: EventTarget; document: { hidden: boolean }; onLine: boolean };
let events: PageEvent[];
beforeEach(() => {
  page = {
    window: new EventTarget(),
    document: { hidden: false },
    onLine: true,
  };
  events = [];
  vi.stubGlobal("addEventListener", page.window.addEventListener.bind(page.window));
  vi.stubGlobal("removeEventListener", page.window.removeEventListener.bind(page.window));
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
  if (!subscribe) throw new Error("There must be a document.");
  return subscribe((event) => events.push(event));
}

describe("the events of a browser's page", () => {
  test.each([
    ["online", "check"],
    ["pageshow", "check"],
    ["resume", "check"],
    ["visibilitychange", "check"],
    ["pagehide", "pause"],
    ["freeze", "pause"],
  ] as const)("given %s, emits %s", (type, expected) => {
    listen();
    page.window.dispatchEvent(new Event(type));
    expect(events).toEqual([expected]);
  });

  test("given a page that is back without a network, emits offline", () => {
    listen();
    page.onLine = false;
    for (const type of ["offline", "pageshow"]) page.window.dispatchEvent(new Event(type));
    expect(events).toEqual(["offline", "offline"]);
  });

  test("given no network from the beginning, emits offline at once", () => {
    page.onLine = false;
    listen();
    expect(events).toEqual(["offline"]);
  });

  test("given a hidden page, emits pause only if that is wanted, and then from the beginning as well", () => {
    const [removeFirst, removeSecond] = [listen(), listen(true)];
    page.document.hidden = true;
    page.window.dispatchEvent(new Event("visibilitychange"));
    expect(events).toEqual(["pause"]);
    removeFirst();
    removeSecond();
    listen(true);
    expect(events).toEqual(["pause", "pause"]);
  });

  test("given a page that the user leaves, which is hidden after it, the pause goes on", () => {
    listen();
    page.document.hidden = true;
    for (const type of ["pagehide", "visibilitychange"]) page.window.dispatchEvent(new Event(type));
    expect(events).toEqual(["pause"]);
    page.window.dispatchEvent(new Event("online"));
    expect(events).toEqual(["pause", "check"]);
  });

  test("given a listener that was removed, emits nothing", () => {
    listen()();
    page.window.dispatchEvent(new Event("online"));
    expect(events).toEqual([]);
  });

  test("given no document, returns false", () => {
    vi.stubGlobal("document", undefined);
    expect(browserPage(false)).toBe(false);
  });
});
