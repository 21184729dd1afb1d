import { el } from "../dom.js";
import type { Video } from "../job-view.js";

/** The wait before the first repeated request. It doubles up to {@link MAX_RETRY_MS}. */
const RETRY_MS = 2_000;
const MAX_RETRY_MS = 60_000;

/**
 * Creates the player of a finished video. If the video can't be loaded, it is requested again until it can, and at once
 * when the device is online again. A browser does not do this by itself.
 */
export function createPlayer(result: NonNullable<Video["result"]>): HTMLVideoElement {
  const player = el("video", {
    class: "stage-video",
    attributes: {
      controls: true,
      playsinline: true,
      preload: "metadata",
      poster: result.posterUrl,
      src: result.videoUrl,
      width: result.width,
      height: result.height,
    },
  });
  let delayMs = RETRY_MS;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function retry(): void {
    clearTimeout(timer);
    removeEventListener("online", retry);
    // A reload would begin at the start.
    const { currentTime } = player;
    player.load();
    player.currentTime = currentTime;
  }

  player.addEventListener("error", () => {
    timer = setTimeout(retry, delayMs);
    delayMs = Math.min(2 * delayMs, MAX_RETRY_MS);
    addEventListener("online", retry);
  });
  player.addEventListener("loadedmetadata", () => {
    delayMs = RETRY_MS;
  });
  return player;
}
