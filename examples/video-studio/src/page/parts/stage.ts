import { presenterArt } from "../art.js";
import { el, setAttribute } from "../dom.js";
import type { Video } from "../job-view.js";
import type { Texts } from "../texts/texts.js";
import type { VideoInput } from "../video-input.js";

/** The state of the stage. */
export interface StageState {
  readonly video: Video | undefined;
  readonly input: VideoInput | undefined;
  readonly isBusy: boolean;
  readonly texts: Texts;
}

/**
 * The box of the video: first a drawing, then the preview frames, then the video. It has a fixed aspect ratio, so the
 * layout around it never moves.
 */
export function createStage(): { readonly element: HTMLElement; render(state: StageState): void } {
  const preview = el("img", { class: "stage-preview", attributes: { alt: "", decoding: "async" } });
  preview.hidden = true;
  // The preview of an ended job is removed. If it can't be loaded, the drawing is shown instead of a broken image.
  preview.addEventListener("error", () => (preview.hidden = true));
  preview.addEventListener("load", () => (preview.hidden = false));
  const element = el("div", { class: "stage" }, [presenterArt(), preview]);
  let player: HTMLVideoElement | undefined;

  return {
    element,
    render({ video, input, isBusy, texts }) {
      element.dataset.background = video?.metadata.background ?? input?.background ?? "violet";
      element.dataset.composition =
        video?.metadata.composition ?? input?.composition ?? "presenter";
      setAttribute(element, "data-busy", isBusy);
      const topic = video?.metadata.topic ?? input?.topic ?? "";
      setAttribute(preview, "alt", texts.previewAlt(topic));
      const { previewUrl } = video?.metadata ?? {};
      const result = video?.result ?? undefined;
      if (result === undefined) {
        if (previewUrl !== undefined) setAttribute(preview, "src", previewUrl);
        return;
      }
      player ??= createPlayer(result);
      setAttribute(player, "aria-label", texts.videoLabel(result.title));
      if (!player.isConnected) element.replaceChildren(player);
    },
  };
}

function createPlayer(result: NonNullable<Video["result"]>): HTMLVideoElement {
  return el("video", {
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
}
