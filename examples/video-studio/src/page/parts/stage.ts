import { presenterArt } from "../art.js";
import { el, setAttribute } from "../dom.js";
import type { Video } from "../job-view.js";
import type { Texts } from "../texts/texts.js";
import type { VideoInput } from "../video-input.js";
import { createPlayer } from "./player.js";
import { createPreview } from "./preview.js";

/** The state of the stage. */
export interface StageState {
  readonly video: Video | undefined;
  readonly input: VideoInput | undefined;
  readonly isBusy: boolean;
  readonly texts: Texts;
}

/**
 * The box of the video: first a drawing, then the preview frames, then the video. Each one covers the earlier ones once
 * it is loaded, so a request that fails changes nothing. The box has a fixed aspect ratio, so the layout around it
 * never moves.
 */
export function createStage(): { readonly element: HTMLElement; render(state: StageState): void } {
  const art = presenterArt();
  const preview = createPreview();
  const element = el("div", { class: "stage" }, [art, preview.element]);
  let player: HTMLVideoElement | undefined;

  return {
    element,
    render({ video, input, isBusy, texts }) {
      element.dataset.background = video?.metadata.background ?? input?.background ?? "violet";
      element.dataset.composition =
        video?.metadata.composition ?? input?.composition ?? "presenter";
      setAttribute(element, "data-busy", isBusy);
      const result = video?.result ?? undefined;
      if (result === undefined) {
        const topic = video?.metadata.topic ?? input?.topic ?? "";
        preview.render(video?.metadata.previewUrl, texts.previewAlt(topic));
        return;
      }
      if (player === undefined) {
        player = createPlayer(result);
        player.addEventListener("loadeddata", () => {
          art.remove();
          preview.element.remove();
        });
        element.append(player);
      }
      setAttribute(player, "aria-label", texts.videoLabel(result.title));
    },
  };
}
