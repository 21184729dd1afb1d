/** What befalls a page: its network goes, it is put away, it is back (or its network is). */
export type PageEvent = "offline" | "pause" | "check";

/** Tells a listener what befalls a page, until the function that it gives is called; at once, if the page is not well. */
export type Page = (listener: (event: PageEvent) => void) => () => void;

const EVENTS = [
  "online",
  "offline",
  "pageshow",
  "resume",
  "visibilitychange",
  "pagehide",
  "freeze",
];

/** The life of the browser's page; `false` where there is none. */
export function browserPage(pauseWhenHidden: boolean): Page | false {
  if (typeof document === "undefined") return false;
  return (listener) => {
    const stop = new AbortController();
    const now = (type?: string): PageEvent => {
      // A page that keeps a connection open can't be kept for the back button.
      if (type === "pagehide" || type === "freeze") return "pause";
      if (document.hidden && pauseWhenHidden) return "pause";
      return navigator.onLine === false ? "offline" : "check";
    };
    // Captured, since not all events of the document bubble up to the window.
    const options = { capture: true, signal: stop.signal };
    for (const type of EVENTS) addEventListener(type, () => listener(now(type)), options);
    if (now() !== "check") listener(now());
    return () => stop.abort();
  };
}
