import { Path2D } from "@napi-rs/canvas";
import { HAIR } from "./skin.js";
import { isolated, type Surface } from "./surface.js";

const BACK = new Path2D(
  "M-134 -30 C-152 -214 152 -214 134 -30 C146 50 168 128 158 214 C154 262 138 292 104 304 " +
    "C60 288 -60 288 -104 304 C-138 292 -154 262 -158 214 C-168 128 -146 50 -134 -30 Z",
);
const LOCK = new Path2D(
  "M-122 -46 C-142 30 -140 96 -150 160 C-158 214 -152 262 -118 300 C-112 306 -100 304 -98 296 " +
    "C-108 262 -112 226 -104 178 C-96 130 -102 78 -110 34 C-112 12 -110 -16 -104 -40 Z",
);
const FRINGE = new Path2D(
  "M-132 44 C-154 -104 -104 -178 8 -180 C116 -180 156 -104 130 44 C128 0 120 -40 100 -66 " +
    "C84 -88 62 -104 40 -116 C22 -84 -34 -56 -82 -46 C-108 -38 -124 -2 -132 44 Z",
);
const FRINGE_SHADE = new Path2D(
  "M-140 50 L-140 -220 L140 -220 L140 50 C128 6 118 -26 98 -50 C82 -72 62 -86 42 -98 C22 -66 -34 -38 -80 -28 " +
    "C-106 -20 -124 12 -140 50 Z",
);
const STRANDS = [
  new Path2D("M36 -122 C10 -96 -44 -74 -88 -60"),
  new Path2D("M30 -134 C-8 -112 -62 -94 -102 -66"),
  new Path2D("M48 -122 C76 -108 98 -88 112 -52"),
  new Path2D("M52 -136 C86 -122 110 -98 122 -56"),
];
const SHINE = new Path2D("M-98 -98 C-66 -138 -22 -154 26 -152");
const SHINE_RIGHT = new Path2D("M62 -142 C86 -132 104 -112 114 -88");

/** Draws the hair behind the neck and the shoulders. */
export function drawBackHair(surface: Surface, sway: number): void {
  isolated(surface, () => {
    surface.rotate(sway);
    const colour = surface.createLinearGradient(0, -180, 0, 300);
    colour.addColorStop(0, HAIR.crown);
    colour.addColorStop(0.5, HAIR.middle);
    colour.addColorStop(1, HAIR.tips);
    surface.fillStyle = colour;
    surface.fill(BACK);
  });
}

/** Draws the lock in front of one shoulder. On the other side the hair is behind the ear. */
export function drawLock(surface: Surface, sway: number): void {
  isolated(surface, () => {
    surface.rotate(sway);
    const colour = surface.createLinearGradient(-150, -40, -90, 300);
    colour.addColorStop(0, HAIR.crown);
    colour.addColorStop(0.4, HAIR.middle);
    colour.addColorStop(1, HAIR.tips);
    surface.fillStyle = colour;
    surface.fill(LOCK);
    surface.strokeStyle = HAIR.shine;
    surface.lineWidth = 3;
    surface.lineCap = "round";
    surface.beginPath();
    surface.moveTo(-128, 40);
    surface.bezierCurveTo(-126, 100, -132, 160, -134, 200);
    surface.stroke();
  });
}

/** Draws the shadow of the fringe on the forehead. The caller clips it to the face. */
export function drawFringeShade(surface: Surface): void {
  surface.fillStyle = "rgba(150, 74, 58, 0.2)";
  surface.fill(FRINGE_SHADE);
}

/** Draws the hair over the forehead, parted on one side. */
export function drawFringe(surface: Surface): void {
  const colour = surface.createLinearGradient(0, -180, 0, 50);
  colour.addColorStop(0, HAIR.crown);
  colour.addColorStop(1, HAIR.middle);
  surface.fillStyle = colour;
  surface.fill(FRINGE);
  surface.lineCap = "round";
  surface.strokeStyle = "rgba(15, 5, 14, 0.4)";
  surface.lineWidth = 2;
  for (const strand of STRANDS) surface.stroke(strand);
  surface.strokeStyle = HAIR.shine;
  surface.lineWidth = 8;
  surface.stroke(SHINE);
  surface.lineWidth = 5;
  surface.stroke(SHINE_RIGHT);
}
