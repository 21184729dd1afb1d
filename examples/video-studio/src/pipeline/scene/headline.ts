import { easeOut } from "./easing.js";
import { FONTS, fillRound, isolated, type Surface } from "./surface.js";
import { wrapText } from "./text-layout.js";
import type { Theme } from "./themes.js";

/** The layout of the headline. */
export interface HeadlineLayout {
  readonly x: number;
  readonly width: number;
  readonly fontSize: number;
  readonly maxLines: number;
}

/** A headline, broken into lines. */
export interface Headline {
  /** In pixels, without a margin. */
  readonly height: number;
  /** `top` is the upper edge. `ms` is the time, for the animation at the start. */
  draw(surface: Surface, top: number, ms: number): void;
}

const CHIP_HEIGHT = 38;
const CHIP_FONT = `19px ${FONTS.bold}`;
const CHIP_GAP = 22;

/** The name of the show on a chip, with the title below. */
export function headline(
  surface: Surface,
  text: { kicker: string; title: string },
  theme: Theme,
  layout: HeadlineLayout,
): Headline {
  const titleFont = `${layout.fontSize}px ${FONTS.bold}`;
  const lineHeight = layout.fontSize * 1.28;
  const kicker = text.kicker.toLocaleUpperCase("vi");
  surface.font = CHIP_FONT;
  const chipWidth = surface.measureText(kicker).width + 36;
  surface.font = titleFont;
  const lines = wrapText(surface, text.title, layout.width, layout.maxLines);

  return {
    height: CHIP_HEIGHT + CHIP_GAP + lines.length * lineHeight,
    draw(target, top, ms) {
      isolated(target, () => {
        const shown = easeOut(ms, 0, 600);
        target.globalAlpha = shown;
        target.translate(layout.x + (1 - shown) * 50, top);
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
