import { captions } from "./captions.js";
import type { Composition } from "./composition.js";
import { headline } from "./headline.js";
import { drawPresenter } from "./presenter.js";
import { sceneList } from "./scene-list.js";
import { HEIGHT, isolated, type Surface, WIDTH } from "./surface.js";
import type { Theme } from "./themes.js";
import { drawHalo, drawVoiceRing, type Ring } from "./voice-bars.js";

const HALO: Ring = { x: WIDTH / 2, y: 306, radius: 232 };
const FACE = { x: WIDTH / 2, y: 268, scale: 1.08 };
const DESK_TOP = 566;
const MARGIN = 56;
const COLUMN = 300;
const COLUMNS_MIDDLE = 290;
const CAPTION_Y = 644;

/**
 * The presenter is in the middle, behind a desk with the captions. The title is on the left of the picture, the list of
 * scenes on the right.
 */
export const spotlightComposition: Composition = (
  surface,
  { theme, storyboard, speech, voice },
) => {
  const title = headline(surface, storyboard, theme, {
    x: MARGIN,
    width: COLUMN,
    fontSize: 36,
    maxLines: 5,
  });
  const list = sceneList(surface, storyboard.scenes, theme, {
    x: WIDTH - MARGIN - COLUMN,
    width: COLUMN,
    maxRows: 6,
  });
  const drawCaptions = captions(surface, speech.words, theme, {
    x: WIDTH / 2,
    y: CAPTION_Y,
    maxWidth: 1200,
    hasBar: false,
  });

  return (target, moment) => {
    drawHalo(target, HALO, moment.voice.energy);
    drawVoiceRing(target, voice, moment.frame, HALO);
    isolated(target, () => {
      target.translate(FACE.x, FACE.y);
      target.scale(FACE.scale, FACE.scale);
      drawPresenter(target, theme, moment.pose, moment.voice);
    });
    drawDesk(target, theme);
    title.draw(target, COLUMNS_MIDDLE - title.height / 2, moment.ms);
    list.draw(target, COLUMNS_MIDDLE - list.height / 2, moment);
    drawCaptions(target, moment.ms);
  };
};

function drawDesk(surface: Surface, { desk: [near, far], accent }: Theme): void {
  const wood = surface.createLinearGradient(0, DESK_TOP, 0, HEIGHT);
  wood.addColorStop(0, near);
  wood.addColorStop(1, far);
  surface.fillStyle = wood;
  surface.fillRect(0, DESK_TOP, WIDTH, HEIGHT - DESK_TOP);
  const edge = surface.createLinearGradient(0, 0, WIDTH, 0);
  edge.addColorStop(0, "rgba(255, 255, 255, 0)");
  edge.addColorStop(0.5, accent);
  edge.addColorStop(1, "rgba(255, 255, 255, 0)");
  surface.fillStyle = edge;
  surface.fillRect(0, DESK_TOP, WIDTH, 3);
  surface.fillStyle = "rgba(255, 255, 255, 0.06)";
  surface.fillRect(0, DESK_TOP + 3, WIDTH, 10);
}
