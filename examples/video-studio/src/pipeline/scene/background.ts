import type { Canvas } from "@napi-rs/canvas";
import { drawDecor } from "./decor.js";
import { drawOnce, fillCircle, HEIGHT, type Surface, WIDTH } from "./surface.js";
import type { Theme } from "./themes.js";

const GLOW_SIZE = 560;
const SPECKS = 16;

/** Draws the background at a time in seconds. */
export type DrawBackground = (surface: Surface, seconds: number) => void;

/** Draws the still part once. Lights and specks move over it. */
export function background(theme: Theme): DrawBackground {
  const still = drawOnce(WIDTH, HEIGHT, (surface) => {
    const sky = surface.createLinearGradient(0, 0, WIDTH, HEIGHT);
    for (const [n, colour] of theme.sky.entries()) sky.addColorStop([0, 0.55, 1][n] ?? 1, colour);
    surface.fillStyle = sky;
    surface.fillRect(0, 0, WIDTH, HEIGHT);
    drawDecor(surface, theme);
  });
  const [first, second, third] = theme.glows.map(glow);

  return (surface, seconds) => {
    surface.drawImage(still, 0, 0);
    if (first)
      surface.drawImage(
        first,
        -170 + Math.sin(seconds * 0.5) * 60,
        -150 + Math.cos(seconds * 0.4) * 40,
      );
    if (second)
      surface.drawImage(
        second,
        840 + Math.cos(seconds * 0.45) * 50,
        280 + Math.sin(seconds * 0.6) * 50,
      );
    if (third) surface.drawImage(third, 540 + Math.sin(seconds * 0.3) * 80, -210);
    drawSpecks(surface, seconds);
  };
}

function glow([red, green, blue, strength]: Theme["glows"][number]): Canvas {
  const middle = GLOW_SIZE / 2;
  return drawOnce(GLOW_SIZE, GLOW_SIZE, (surface) => {
    const light = surface.createRadialGradient(middle, middle, 0, middle, middle, middle);
    light.addColorStop(0, `rgba(${red}, ${green}, ${blue}, ${strength})`);
    light.addColorStop(0.5, `rgba(${red}, ${green}, ${blue}, ${strength * 0.38})`);
    light.addColorStop(1, `rgba(${red}, ${green}, ${blue}, 0)`);
    surface.fillStyle = light;
    surface.fillRect(0, 0, GLOW_SIZE, GLOW_SIZE);
  });
}

/** Draws specks of light that rise slowly, each on its own path. */
function drawSpecks(surface: Surface, seconds: number): void {
  for (let n = 0; n < SPECKS; n += 1) {
    const height = HEIGHT + 60;
    const y = height - ((n * 137 + seconds * (9 + (n % 5) * 4)) % height);
    const x = ((n * 211) % WIDTH) + Math.sin(seconds * 0.5 + n) * 24;
    surface.fillStyle = `rgba(255, 255, 255, ${0.05 + 0.04 * (1 + Math.sin(seconds * 0.9 + n * 2))})`;
    fillCircle(surface, x, y - 30, 2 + (n % 4) * 1.5);
  }
}
