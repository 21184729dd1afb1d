import { fillCircle, HEIGHT, isolated, type Surface, TURN, WIDTH } from "./surface.js";
import type { Decor, Theme } from "./themes.js";

const PAINTERS: Readonly<Record<Decor, (surface: Surface) => void>> = { dots, waves, sun, hills };

/** Paints the still shapes of the background. They are faint, so that text on them is readable. */
export function drawDecor(surface: Surface, theme: Theme): void {
  isolated(surface, () => PAINTERS[theme.decor](surface));
}

function dots(surface: Surface): void {
  surface.fillStyle = "rgba(255, 255, 255, 0.055)";
  for (let x = 25; x < WIDTH; x += 50) {
    for (let y = 25; y < HEIGHT; y += 50) fillCircle(surface, x, y, 2);
  }
}

function waves(surface: Surface): void {
  for (const [n, top] of [410, 490, 570, 645].entries()) {
    surface.fillStyle = `rgba(${10 + n * 8}, ${190 - n * 30}, ${230 - n * 22}, ${0.1 + n * 0.025})`;
    rolling(
      surface,
      (x) => top + Math.sin((x / WIDTH) * TURN * (1.1 + n * 0.35) + n * 1.7) * (26 - n * 3),
    );
  }
}

function sun(surface: Surface): void {
  surface.fillStyle = "rgba(255, 236, 190, 0.05)";
  const [x, y] = [980, 760];
  for (let ray = 0; ray < 18; ray += 1) {
    const angle = Math.PI + (ray / 18) * Math.PI;
    surface.beginPath();
    surface.moveTo(x, y);
    surface.lineTo(x + Math.cos(angle) * 1400, y + Math.sin(angle) * 1400);
    surface.lineTo(x + Math.cos(angle + 0.09) * 1400, y + Math.sin(angle + 0.09) * 1400);
    surface.fill();
  }
  for (const radius of [460, 360, 270]) {
    surface.fillStyle = "rgba(255, 224, 160, 0.1)";
    fillCircle(surface, x, y, radius);
  }
}

function hills(surface: Surface): void {
  for (const [n, top] of [430, 510, 590].entries()) {
    surface.fillStyle = `rgba(2, ${70 - n * 16}, ${52 - n * 12}, ${0.26 + n * 0.08})`;
    rolling(
      surface,
      (x) =>
        top + Math.sin(x / (210 - n * 30) + n * 2.1) * (44 - n * 8) + Math.sin(x / 71 + n) * 10,
    );
  }
}

/** Fills everything below a curve, given by its height at each x. */
function rolling(surface: Surface, heightAt: (x: number) => number): void {
  surface.beginPath();
  surface.moveTo(0, HEIGHT);
  for (let x = 0; x <= WIDTH; x += 16) surface.lineTo(x, heightAt(x));
  surface.lineTo(WIDTH, HEIGHT);
  surface.fill();
}
