import { captions } from "./captions.js";
import type { Composition } from "./composition.js";
import { headline } from "./headline.js";
import { drawPresenter } from "./presenter.js";
import { sceneList } from "./scene-list.js";
import { isolated, type Surface, WIDTH } from "./surface.js";
import { drawHalo, drawVoiceBars, type Ring } from "./voice-bars.js";

const HALO: Ring = { x: 342, y: 336, radius: 254 };
const FACE = { x: 342, y: 290, scale: 0.9 };
const PANEL_X = 676;
const PANEL_WIDTH = 540;
/** The panel is centred in the space above the captions. */
const PANEL_MIDDLE = 322;
const GAP = 24;
const BARS_HEIGHT = 44;
const CAPTION_Y = 650;

/** The presenter is in a circle on the left, the text on the right, and the captions are below both. */
export const presenterComposition: Composition = (
  surface,
  { theme, storyboard, speech, voice },
) => {
  const panel = { x: PANEL_X, width: PANEL_WIDTH };
  const title = headline(surface, storyboard, theme, { ...panel, fontSize: 45, maxLines: 3 });
  const list = sceneList(surface, storyboard.scenes, theme, { ...panel, maxRows: 4 });
  const drawCaptions = captions(surface, speech.words, theme, {
    x: WIDTH / 2,
    y: CAPTION_Y,
    maxWidth: 1120,
    hasBar: true,
  });
  const top = PANEL_MIDDLE - (title.height + list.height + BARS_HEIGHT + GAP * 2) / 2;
  const listTop = top + title.height + GAP;
  const barsTop = listTop + list.height + GAP;

  return (target, moment) => {
    drawHalo(target, HALO, moment.voice.energy);
    isolated(target, () => {
      clipToHalo(target);
      target.translate(FACE.x, FACE.y);
      target.scale(FACE.scale, FACE.scale);
      drawPresenter(target, theme, moment.pose, moment.voice);
    });
    title.draw(target, top, moment.ms);
    list.draw(target, listTop, moment);
    drawVoiceBars(target, voice, moment.frame, [PANEL_X, barsTop, PANEL_WIDTH, BARS_HEIGHT]);
    drawCaptions(target, moment.ms);
  };
};

/** Clips the body to the circle, so that it does not reach the captions. The head may rise above the circle. */
function clipToHalo(surface: Surface): void {
  const { x, y, radius } = HALO;
  surface.beginPath();
  surface.moveTo(x - radius, 0);
  surface.lineTo(x + radius, 0);
  surface.lineTo(x + radius, y);
  surface.arc(x, y, radius, 0, Math.PI);
  surface.closePath();
  surface.clip();
}
