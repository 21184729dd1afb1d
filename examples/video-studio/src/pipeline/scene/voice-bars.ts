import type { VoiceFrame } from "../mouth-frames.js";
import { type Box, fillRound, isolated, type Surface, TURN } from "./surface.js";

const BAR = 7;
const STEP = 13;

/** Draws the loudness of the last frames as bars, the newest on the right. */
export function drawVoiceBars(
  surface: Surface,
  voice: readonly VoiceFrame[],
  frame: number,
  [x, y, width, height]: Box,
): void {
  const bars = Math.floor(width / STEP);
  for (let n = 0; n < bars; n += 1) {
    const loudness = voice[frame - bars + n + 1]?.loudness ?? 0;
    const tall = BAR * 0.5 + loudness * (height - BAR);
    surface.fillStyle = `rgba(255, 255, 255, ${0.14 + 0.6 * (n / bars)})`;
    fillRound(surface, [x + n * STEP, y + (height - tall) / 2, BAR, tall], BAR / 2);
  }
}

/** The position and size of the ring. */
export interface Ring {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

const RAYS = 72;

/** Draws the loudness of the last frames as rays around a circle, the newest at the top, older ones on both sides. */
export function drawVoiceRing(
  surface: Surface,
  voice: readonly VoiceFrame[],
  frame: number,
  ring: Ring,
): void {
  isolated(surface, () => {
    surface.translate(ring.x, ring.y);
    surface.lineCap = "round";
    surface.lineWidth = 5;
    for (let ray = 0; ray < RAYS; ray += 1) {
      const age = Math.min(ray, RAYS - ray);
      const loudness = voice[frame - Math.floor(age * 0.8)]?.loudness ?? 0;
      const angle = (ray / RAYS) * TURN - TURN / 4;
      const inner = ring.radius + 16;
      const outer = inner + 2 + loudness * 34 * (1 - age / RAYS);
      surface.strokeStyle = `rgba(255, 255, 255, ${0.5 - 0.36 * (age / (RAYS / 2))})`;
      surface.beginPath();
      surface.moveTo(Math.cos(angle) * inner, Math.sin(angle) * inner);
      surface.lineTo(Math.cos(angle) * outer, Math.sin(angle) * outer);
      surface.stroke();
    }
  });
}

/** Draws the circle of light behind the presenter. It changes with the voice. */
export function drawHalo(surface: Surface, { x, y, radius }: Ring, energy: number): void {
  const light = surface.createRadialGradient(x, y - radius * 0.2, radius * 0.1, x, y, radius);
  light.addColorStop(0, `rgba(255, 255, 255, ${0.3 + energy * 0.08})`);
  light.addColorStop(1, "rgba(255, 255, 255, 0.1)");
  surface.fillStyle = "rgba(255, 255, 255, 0.07)";
  surface.beginPath();
  surface.arc(x, y, radius + 14 + energy * 16, 0, TURN);
  surface.fill();
  surface.fillStyle = light;
  surface.beginPath();
  surface.arc(x, y, radius, 0, TURN);
  surface.fill();
}
