/** What befalls a page: its network goes, it is put away, it is back (or its network is). */
export type PageEvent = "offline" | "pause" | "check";

/** Tells a listener what befalls a page, until the function that it gives is called; at once, if the page is not well. */
export type Page = (listener: (event: PageEvent) => void) => () => void;

/** The life of the browser's page; `false` where there is none. */
export function browserPage(pauseWhenHidden: boolean): Page | false {
  if (typeof document === "undefined") return false;
  return (listener) => {
    const stop = new AbortController();
    const hear = (types: readonly string[], event: () => PageEvent): void => {
      // Captured, since not all events of the document bubble up to the window.
      for (const type of types)
        addEventListener(type, () => listener(event()), { capture: true, signal: stop.signal });
    };
    const now = (): PageEvent => {
      if (document.hidden && pauseWhenHidden) return "pause";
      return navigator.onLine === false ? "offline" : "check";
    };
    hear(["online", "offline", "pageshow", "resume", "visibilitychange"], now);
    // A page that keeps a connection open can't be kept for the back button.
    hear(["pagehide", "freeze"], () => "pause");
    if (now() !== "check") listener(now());
    return () => stop.abort();
  };
}
