import { Path2D } from "@napi-rs/canvas";
import type { Pose } from "./motion.js";
import { SKIN } from "./skin.js";
import { fillCircle, isolated, type Surface } from "./surface.js";
import type { Theme } from "./themes.js";

// The origin is the centre of the face. One unit is one pixel at scale 1.
const NECK = new Path2D(
  "M-45 86 C-43 130 -46 160 -52 182 C-40 226 40 226 52 182 C46 160 43 130 45 86 Z",
);
const CHIN_SHADE = new Path2D("M-60 92 L60 92 L47 128 C26 170 -26 170 -47 128 Z");
const BLOUSE = new Path2D("M-62 186 L62 186 L96 250 L60 480 L-60 480 L-96 250 Z");
const NECKLINE = new Path2D("M-56 168 C-46 214 -24 252 0 268 C24 252 46 214 56 168 Z");
const COLLAR = new Path2D(
  "M53 170 C60 178 64 184 68 192 C66 228 56 262 42 294 L0 267 C24 244 46 212 53 170 Z",
);
const JACKET = new Path2D(
  "M60 180 C98 206 148 212 186 230 C228 250 244 326 256 500 L-256 500 C-244 326 -228 250 -186 230 " +
    "C-148 212 -98 206 -60 180 C-52 250 -28 330 0 392 C28 330 52 250 60 180 Z",
);
const LAPEL = new Path2D(
  "M60 178 C78 194 94 208 108 236 L88 256 L112 270 C92 330 56 392 14 440 L0 392 C30 330 52 256 60 178 " +
    "Z",
);
const LAPEL_EDGE = new Path2D("M108 236 L88 256 L112 270 C92 330 56 392 14 440");
const SLEEVE_SEAM = new Path2D("M176 300 C182 350 186 420 188 500");
const SHOULDER_LIGHT = new Path2D("M104 212 C136 220 166 226 188 242 C206 256 218 282 226 318");
const NECKLACE = new Path2D("M-46 188 C-34 216 -14 232 0 236 C14 232 34 216 46 188");
const PETAL = new Path2D("M0 0 C-7 -6 -6 -14 0 -19 C6 -14 7 -6 0 0 Z");

/** Draws neck, blouse and jacket. The shoulders rise a little with each breath. The lower edge does not move. */
export function drawBody(surface: Surface, theme: Theme, pose: Pose): void {
  isolated(surface, () => {
    surface.translate(0, 500);
    surface.scale(1 + pose.breath * 0.003, 1 + pose.breath * 0.008);
    surface.translate(0, -500);
    drawBlouse(surface);
    drawNeck(surface);
    drawJacket(surface, theme);
    drawBrooch(surface, theme);
  });
}

function drawBlouse(surface: Surface): void {
  const cloth = surface.createLinearGradient(0, 180, 0, 420);
  cloth.addColorStop(0, "#ffffff");
  cloth.addColorStop(1, "#dfe4f4");
  surface.fillStyle = cloth;
  surface.fill(BLOUSE);
}

function drawNeck(surface: Surface): void {
  surface.fillStyle = SKIN.neck;
  surface.fill(NECKLINE);
  surface.fill(NECK);
  isolated(surface, () => {
    surface.clip(NECK);
    surface.fillStyle = SKIN.shade;
    surface.fill(CHIN_SHADE);
  });
  surface.strokeStyle = "rgba(158, 78, 62, 0.2)";
  surface.lineWidth = 2.5;
  surface.lineCap = "round";
  for (const side of [-1, 1]) {
    surface.beginPath();
    surface.moveTo(side * 12, 214);
    surface.quadraticCurveTo(side * 30, 206, side * 44, 198);
    surface.stroke();
  }
  surface.strokeStyle = "#eab54a";
  surface.lineWidth = 2;
  surface.stroke(NECKLACE);
  surface.fillStyle = "#f6cd6b";
  fillCircle(surface, 0, 239, 4.5);
}

function drawJacket(surface: Surface, { jacket: [light, dark, lapel] }: Theme): void {
  bothSides(surface, () => {
    surface.fillStyle = "#f4f6fd";
    surface.fill(COLLAR);
    surface.strokeStyle = "rgba(70, 80, 130, 0.22)";
    surface.lineWidth = 2;
    surface.stroke(COLLAR);
  });
  const cloth = surface.createLinearGradient(-240, 190, 220, 470);
  cloth.addColorStop(0, light);
  cloth.addColorStop(1, dark);
  surface.fillStyle = cloth;
  surface.fill(JACKET);
  bothSides(surface, () => {
    surface.fillStyle = lapel;
    surface.fill(LAPEL);
    surface.strokeStyle = "rgba(5, 10, 50, 0.3)";
    surface.lineWidth = 2.5;
    surface.stroke(LAPEL_EDGE);
    surface.strokeStyle = "rgba(5, 10, 50, 0.2)";
    surface.lineWidth = 3;
    surface.stroke(SLEEVE_SEAM);
    surface.strokeStyle = "rgba(255, 255, 255, 0.16)";
    surface.lineWidth = 5;
    surface.stroke(SHOULDER_LIGHT);
  });
}

/** Draws a small lotus on the lapel. */
function drawBrooch(surface: Surface, theme: Theme): void {
  isolated(surface, () => {
    surface.translate(124, 296);
    surface.fillStyle = theme.accent;
    for (const angle of [-1.15, 1.15, -0.58, 0.58, 0]) {
      isolated(surface, () => {
        surface.rotate(angle);
        surface.fill(PETAL);
      });
    }
    surface.fillStyle = "rgba(255, 255, 255, 0.75)";
    fillCircle(surface, 0, -4, 2.4);
  });
}

function bothSides(surface: Surface, draw: () => void): void {
  for (const side of [1, -1]) {
    isolated(surface, () => {
      surface.scale(side, 1);
      draw();
    });
  }
}
