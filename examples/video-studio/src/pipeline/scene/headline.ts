import { easeOut } from "./easing.js";
import { FONTS, fillRound, isolated, type Surface } from "./surface.js";
import { wrapText } from "./text-layout.js";
import type { Theme } from "./themes.js";

/** Where the headline stands and how large it is. */
export interface HeadlinePlace {
  readonly x: number;
  readonly width: number;
  readonly fontSize: number;
  readonly maxLines: number;
}

/** The headline, broken into lines. */
export interface Headline {
  /** In pixels, without a margin. */
  readonly height: number;
  /** `top` is its upper edge; `ms` the moment, for the entrance. */
  draw(surface: Surface, top: number, ms: number): void;
}

const CHIP_HEIGHT = 38;
const CHIP_FONT = `19px ${FONTS.bold}`;
const CHIP_GAP = 22;

/** The name of the show on a chip, and the title below. */
export function headline(
  surface: Surface,
  text: { kicker: string; title: string },
  theme: Theme,
  place: HeadlinePlace,
): Headline {
  const titleFont = `${place.fontSize}px ${FONTS.bold}`;
  const lineHeight = place.fontSize * 1.28;
  const kicker = text.kicker.toLocaleUpperCase("vi");
  surface.font = CHIP_FONT;
  const chipWidth = surface.measureText(kicker).width + 36;
  surface.font = titleFont;
  const lines = wrapText(surface, text.title, place.width, place.maxLines);

  return {
    height: CHIP_HEIGHT + CHIP_GAP + lines.length * lineHeight,
    draw(target, top, ms) {
      isolated(target, () => {
        const shown = easeOut(ms, 0, 600);
        target.globalAlpha = shown;
        target.translate(place.x + (1 - shown) * 50, top);
        target.textBaseline = "middle";
        target.fillStyle = theme.accent;
        fillRound(target, [0, 0, chipWidth, CHIP_HEIGHT], CHIP_HEIGHT / 2);
        target.fillStyle = theme.onAccent;
        target.font = CHIP_FONT;
        target.fillText(kicker, 18, CHIP_HEIGHT / 2 + 1);
        target.fillStyle = "#ffffff";
        target.font = titleFont;
        for (const [n, line] of lines.entries())
          target.fillText(line, 0, CHIP_HEIGHT + CHIP_GAP + (n + 0.5) * lineHeight);
      });
    },
  };
}
