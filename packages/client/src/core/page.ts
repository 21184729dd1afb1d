/**
 * - `offline`: the device reports that it has no network.
 * - `pause`: the page is hidden or frozen.
 * - `check`: the page or its network is back.
 */
export type PageEvent = "offline" | "pause" | "check";

/**
 * Calls a listener for each event of a page, and at once if the page is offline or paused. Returns a function that
 * removes the listener.
 */
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

/** The events of the browser's page; `false` where there is none. */
export function browserPage(pauseWhenHidden: boolean): Page | false {
  if (typeof document === "undefined") return false;

  function eventOf(type?: string): PageEvent | undefined {
    // A browser does not keep a page with an open connection for the back button.
    if (type === "pagehide" || type === "freeze") return "pause";
    if (document.hidden && pauseWhenHidden) return "pause";
    // It follows `pagehide` when the user leaves the page, so it must not end that pause.
    if (document.hidden && type === "visibilitychange") return undefined;
    return navigator.onLine === false ? "offline" : "check";
  }

  return (listener) => {
    const onEvent = ({ type }: Event): void => {
      const event = eventOf(type);
      if (event) listener(event);
    };
    // Captured, because not every event of the document bubbles up to the window.
    const options = { capture: true };
    for (const type of EVENTS) addEventListener(type, onEvent, options);
    const current = eventOf();
    if (current && current !== "check") listener(current);
    return () => {
      for (const type of EVENTS) removeEventListener(type, onEvent, options);
    };
  };
}
