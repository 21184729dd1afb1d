import { presenterArt } from "../art.js";
import type { Asked } from "../asked.js";
import { el, setAttribute } from "../dom.js";
import type { Video } from "../job-view.js";
import type { Texts } from "../texts/texts.js";

/** What the stage shows. */
export interface StageState {
  readonly video: Video | undefined;
  readonly asked: Asked | undefined;
  readonly isBusy: boolean;
  readonly texts: Texts;
}

/**
 * The box in which the video appears: a drawing of what is asked for, then the preview frames, then the video itself. Its
 * proportions are fixed, so that nothing around it ever moves.
 */
export function createStage(): { readonly element: HTMLElement; render(state: StageState): void } {
  const preview = el("img", { class: "stage-preview", attributes: { alt: "", decoding: "async" } });
  preview.hidden = true;
  // A frame that can't be loaded any more (an ended job's are removed) leaves the drawing, not a broken picture.
  preview.addEventListener("error", () => (preview.hidden = true));
  preview.addEventListener("load", () => (preview.hidden = false));
  const element = el("div", { class: "stage" }, [presenterArt(), preview]);
  let player: HTMLVideoElement | undefined;

  return {
    element,
    render({ video, asked, isBusy, texts }) {
      element.dataset.background = video?.metadata.background ?? asked?.background ?? "violet";
      element.dataset.composition =
        video?.metadata.composition ?? asked?.composition ?? "presenter";
      setAttribute(element, "data-busy", isBusy);
      const topic = video?.metadata.topic ?? asked?.topic ?? "";
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
