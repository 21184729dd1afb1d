import { deviceEffects } from "../core/connection/device-effects.js";
import type { ResolvedWatchOptions } from "../core/options.js";

/** The interval at which a paused page is asked for its state: the event that ends a pause may be missing. */
const PAUSE_CHECK_MS = 60_000;

/** Whether a page is paused: frozen, left with the back button, or hidden where the app pauses hidden pages. */
export interface PagePause {
  readonly isPaused: boolean;
  /** Begins to listen to the page. */
  attach(): void;
  detach(): void;
}

/** The events of a {@link PagePause}. */
export interface PagePauseListener {
  onPause(): void;
  /** The page is back or visible again, or its device was asleep. */
  onCheck(): void;
}

export function pagePause(
  options: ResolvedWatchOptions,
  { onPause, onCheck }: PagePauseListener,
): PagePause {
  let isPaused = false;
  let cancelCheck: (() => void) | undefined;
  const device = deviceEffects(options, (event) => {
    // A page that reports that it is offline is there. The connection of the leader notices it as well.
    if (event === "offline" && !isPaused) return;
    const wasPaused = isPaused;
    setPaused(event === "pause");
    if (!isPaused) onCheck();
    else if (!wasPaused) onPause();
  });

  // The effects of a machine carry their kind.
  const askPage = (): void => device["ask-page"]({ run: "ask-page" });

  function setPaused(next: boolean): void {
    isPaused = next;
    cancelCheck?.();
    cancelCheck = next ? options.schedule(askPage, PAUSE_CHECK_MS) : undefined;
  }

  return {
    get isPaused() {
      return isPaused;
    },
    attach: () => device.attach({ run: "attach" }),
    detach() {
      setPaused(false);
      device.detach({ run: "detach" });
    },
  };
}
