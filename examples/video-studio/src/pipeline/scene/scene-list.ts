import type { Scene } from "../storyboard.js";
import { clamp, easeInOut, easeOut, mix } from "./easing.js";
import { FONTS, fillCircle, fillRound, isolated, type Surface } from "./surface.js";
import { fitText } from "./text-layout.js";
import type { Theme } from "./themes.js";
import type { ScenePosition } from "./timeline.js";

/** The layout of the list. */
export interface SceneListLayout {
  readonly x: number;
  readonly width: number;
  /** The number of visible rows. A longer list scrolls. */
  readonly maxRows: number;
}

/** The list of scenes. */
export interface SceneList {
  /** In pixels. */
  readonly height: number;
  /** `top` is the upper edge. */
  draw(
    surface: Surface,
    top: number,
    moment: { readonly ms: number; readonly position: ScenePosition },
  ): void;
}

const ROW = 52;
const ROW_HEIGHT = 44;
const FONT = `20px ${FONTS.medium}`;
const NUMBER_FONT = `15px ${FONTS.bold}`;
const SCROLL_MS = 450;

/** Highlights the current scene. A list with too many rows scrolls, so that the current scene stays in the middle. */
export function sceneList(
  surface: Surface,
  scenes: readonly Scene[],
  theme: Theme,
  layout: SceneListLayout,
): SceneList {
  surface.font = FONT;
  const labels = scenes.map((scene) => fitText(surface, scene.label, layout.width - 74));
  const rows = Math.min(scenes.length, layout.maxRows);
  const height = rows * ROW - (ROW - ROW_HEIGHT);

  return {
    height,
    draw(target, top, { ms, position }) {
      isolated(target, () => {
        const shown = easeOut(ms, 200, 700);
        target.globalAlpha = shown;
        target.translate(layout.x + (1 - shown) * 50, top);
        target.beginPath();
        target.rect(-2, -2, layout.width + 4, height + 4);
        target.clip();
        const from = scrollOf(position.index - 1, scenes.length, rows);
        const scroll = mix(
          from,
          scrollOf(position.index, scenes.length, rows),
          easeInOut(position.sinceMs, 0, SCROLL_MS),
        );
        for (const [n, label] of labels.entries()) {
          const y = (n - scroll) * ROW;
          // Rows fade at the edges of the list instead of being cut.
          const fade = clamp(1 + y / ROW) * clamp(1 + (height - ROW_HEIGHT - y) / ROW);
          if (fade <= 0) continue;
          target.globalAlpha = shown * fade;
          drawRow(target, {
            label,
            number: n + 1,
            y,
            width: layout.width,
            state: stateOf(n, position),
            theme,
          });
        }
      });
    },
  };
}

/** The number of rows by which the list is scrolled during a scene. */
function scrollOf(index: number, scenes: number, rows: number): number {
  return clamp(index - Math.floor((rows - 1) / 2), 0, scenes - rows);
}

/** The state of a scene. `share` is the spoken part, from 0 to 1. */
interface RowState {
  readonly isCurrent: boolean;
  readonly share: number;
}

function stateOf(row: number, position: ScenePosition): RowState {
  if (row === position.index) return { isCurrent: true, share: position.share };
  return { isCurrent: false, share: row < position.index ? 1 : 0 };
}

interface Row {
  readonly label: string;
  readonly number: number;
  readonly y: number;
  readonly width: number;
  readonly state: RowState;
  readonly theme: Theme;
}

function drawRow(surface: Surface, { label, number, y, width, state, theme }: Row): void {
  // The sky may be too bright for white text of this size.
  surface.fillStyle = theme.panel;
  fillRound(surface, [0, y, width, ROW_HEIGHT], 14);
  if (state.isCurrent) {
    surface.fillStyle = "rgba(255, 255, 255, 0.17)";
    fillRound(surface, [0, y, width, ROW_HEIGHT], 14);
    isolated(surface, () => {
      surface.beginPath();
      surface.roundRect(0, y, width, ROW_HEIGHT, 14);
      surface.clip();
      surface.fillStyle = "rgba(255, 255, 255, 0.13)";
      surface.fillRect(0, y, width * state.share, ROW_HEIGHT);
    });
  }
  const isDone = state.share === 1 && !state.isCurrent;
  surface.fillStyle = state.isCurrent
    ? theme.accent
    : isDone
      ? "rgba(110, 231, 150, 0.95)"
      : "rgba(255, 255, 255, 0.16)";
  fillCircle(surface, 26, y + ROW_HEIGHT / 2, 13);
  if (isDone) drawCheck(surface, 26, y + ROW_HEIGHT / 2);
  else
    drawNumber(surface, number, y, state.isCurrent ? theme.onAccent : "rgba(255, 255, 255, 0.85)");
  surface.fillStyle = state.isCurrent ? "#ffffff" : "rgba(255, 255, 255, 0.78)";
  surface.font = FONT;
  surface.textBaseline = "middle";
  surface.fillText(label, 52, y + ROW_HEIGHT / 2 + 1);
}

function drawNumber(surface: Surface, number: number, y: number, colour: string): void {
  surface.fillStyle = colour;
  surface.font = NUMBER_FONT;
  surface.textAlign = "center";
  surface.textBaseline = "middle";
  surface.fillText(`${number}`, 26, y + ROW_HEIGHT / 2 + 1);
  surface.textAlign = "left";
}

function drawCheck(surface: Surface, x: number, y: number): void {
  surface.strokeStyle = "#0c4a2a";
  surface.lineWidth = 3;
  surface.lineCap = "round";
  surface.lineJoin = "round";
  surface.beginPath();
  surface.moveTo(x - 5, y);
  surface.lineTo(x - 1.5, y + 4);
  surface.lineTo(x + 5.5, y - 4);
  surface.stroke();
}
