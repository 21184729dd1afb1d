import type { Scene } from "../storyboard.js";
import { clamp, easeInOut, easeOut, mix } from "./easing.js";
import { FONTS, fillCircle, fillRound, isolated, type Surface } from "./surface.js";
import { fitText } from "./text-layout.js";
import type { Theme } from "./themes.js";
import type { ScenePlace } from "./timeline.js";

/** Where the list stands. */
export interface SceneListPlace {
  readonly x: number;
  readonly width: number;
  /** How many rows are seen at once; the others are scrolled to. */
  readonly maxRows: number;
}

/** The list of scenes. */
export interface SceneList {
  /** In pixels. */
  readonly height: number;
  /** `top` is its upper edge. */
  draw(
    surface: Surface,
    top: number,
    now: { readonly ms: number; readonly place: ScenePlace },
  ): void;
}

const ROW = 52;
const ROW_HEIGHT = 44;
const FONT = `20px ${FONTS.medium}`;
const NUMBER_FONT = `15px ${FONTS.bold}`;
const SCROLL_MS = 450;

/** Shows which scene is on; a list that is too long scrolls so that the scene that is on stays in its middle. */
export function sceneList(
  surface: Surface,
  scenes: readonly Scene[],
  theme: Theme,
  place: SceneListPlace,
): SceneList {
  surface.font = FONT;
  const labels = scenes.map((scene) => fitText(surface, scene.label, place.width - 74));
  const rows = Math.min(scenes.length, place.maxRows);
  const height = rows * ROW - (ROW - ROW_HEIGHT);

  return {
    height,
    draw(target, top, { ms, place: now }) {
      isolated(target, () => {
        const shown = easeOut(ms, 200, 700);
        target.globalAlpha = shown;
        target.translate(place.x + (1 - shown) * 50, top);
        target.beginPath();
        target.rect(-2, -2, place.width + 4, height + 4);
        target.clip();
        const from = scrollOf(now.index - 1, scenes.length, rows);
        const scroll = mix(
          from,
          scrollOf(now.index, scenes.length, rows),
          easeInOut(now.sinceMs, 0, SCROLL_MS),
        );
        for (const [n, label] of labels.entries()) {
          const y = (n - scroll) * ROW;
          // Rows fade where they leave the list, instead of being cut.
          const fade = clamp(1 + y / ROW) * clamp(1 + (height - ROW_HEIGHT - y) / ROW);
          if (fade <= 0) continue;
          target.globalAlpha = shown * fade;
          drawRow(target, {
            label,
            number: n + 1,
            y,
            width: place.width,
            state: stateOf(n, now),
            theme,
          });
        }
      });
    },
  };
}

/** By how many rows the list is scrolled while a scene is on. */
function scrollOf(index: number, scenes: number, rows: number): number {
  return clamp(index - Math.floor((rows - 1) / 2), 0, scenes - rows);
}

/** How much of a scene has been said: 0 not yet, 1 all, between them it is on. */
interface RowState {
  readonly isOn: boolean;
  readonly share: number;
}

function stateOf(row: number, now: ScenePlace): RowState {
  if (row === now.index) return { isOn: true, share: now.share };
  return { isOn: false, share: row < now.index ? 1 : 0 };
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
  surface.fillStyle = state.isOn ? "rgba(255, 255, 255, 0.17)" : "rgba(255, 255, 255, 0.075)";
  fillRound(surface, [0, y, width, ROW_HEIGHT], 14);
  if (state.isOn) {
    isolated(surface, () => {
      surface.beginPath();
      surface.roundRect(0, y, width, ROW_HEIGHT, 14);
      surface.clip();
      surface.fillStyle = "rgba(255, 255, 255, 0.13)";
      surface.fillRect(0, y, width * state.share, ROW_HEIGHT);
    });
  }
  const isDone = state.share === 1 && !state.isOn;
  surface.fillStyle = state.isOn
    ? theme.accent
    : isDone
      ? "rgba(110, 231, 150, 0.95)"
      : "rgba(255, 255, 255, 0.16)";
  fillCircle(surface, 26, y + ROW_HEIGHT / 2, 13);
  if (isDone) drawCheck(surface, 26, y + ROW_HEIGHT / 2);
  else drawNumber(surface, number, y, state.isOn ? theme.onAccent : "rgba(255, 255, 255, 0.85)");
  surface.fillStyle = state.isOn ? "#ffffff" : "rgba(255, 255, 255, 0.78)";
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
