import { createRequire } from "node:module";
import { type Canvas, createCanvas, GlobalFonts, type SKRSContext2D } from "@napi-rs/canvas";

/** The drawing context of all drawing functions. */
export type Surface = SKRSContext2D;

/** Width of the video in pixels. */
export const WIDTH = 1280;
/** Height of the video in pixels. */
export const HEIGHT = 720;
/** A full turn, in radians. */
export const TURN = Math.PI * 2;

/** Font families by weight. The canvas selects a font file by its family only. */
export const FONTS = { medium: "Linh Medium", bold: "Linh Bold" } as const;

const FONT_FILES = {
  [FONTS.medium]: "@expo-google-fonts/be-vietnam-pro/500Medium/BeVietnamPro_500Medium.ttf",
  [FONTS.bold]: "@expo-google-fonts/be-vietnam-pro/700Bold/BeVietnamPro_700Bold.ttf",
} as const;

/** Registers the fonts. Must be called before the first text is measured. Idempotent. */
export function loadFonts(): void {
  const require = createRequire(import.meta.url);
  for (const [family, file] of Object.entries(FONT_FILES)) {
    if (!GlobalFonts.has(family)) GlobalFonts.registerFromPath(require.resolve(file), family);
  }
}

/** Draws a picture once, to be copied into each frame. */
export function drawOnce(width: number, height: number, draw: (surface: Surface) => void): Canvas {
  const canvas = createCanvas(width, height);
  draw(canvas.getContext("2d"));
  return canvas;
}

/** Runs `draw`, and then restores the styles and the transformation. */
export function isolated(surface: Surface, draw: () => void): void {
  surface.save();
  draw();
  surface.restore();
}

/** Fills a rectangle with round corners. */
export function fillRound(surface: Surface, [x, y, width, height]: Box, radius: number): void {
  surface.beginPath();
  surface.roundRect(x, y, width, height, Math.max(0, Math.min(radius, width / 2, height / 2)));
  surface.fill();
}

/** Fills a circle. */
export function fillCircle(surface: Surface, x: number, y: number, radius: number): void {
  surface.beginPath();
  surface.arc(x, y, radius, 0, TURN);
  surface.fill();
}

/** Left, top, width, height. */
export type Box = readonly [x: number, y: number, width: number, height: number];
