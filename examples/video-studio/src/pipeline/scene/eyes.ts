import { Path2D } from "@napi-rs/canvas";
import { mix } from "./easing.js";
import type { Pose } from "./motion.js";
import { fillCircle, isolated, type Surface } from "./surface.js";

const EYE_X = 48;
const EYE_SCALE = 1.12;
const EYE_Y = -2;
const BROW = new Path2D("M-25 2 C-9 -9 15 -13 37 0 C16 -6 -5 -3 -22 8 C-27 9 -29 5 -25 2 Z");
const BROW_Y = -46;

/** Draws eyes and brows. Both eyes look in the same direction, so their highlights are on the same side. */
export function drawEyes(surface: Surface, pose: Pose): void {
  for (const side of [-1, 1] as const) {
    isolated(surface, () => {
      surface.translate(side * EYE_X, EYE_Y);
      isolated(surface, () => {
        surface.scale(EYE_SCALE, EYE_SCALE);
        drawEye(surface, side, pose);
      });
      surface.scale(side, 1);
      surface.translate(0, BROW_Y - EYE_Y - pose.brows * 5);
      surface.rotate(0.07);
      surface.fillStyle = "#3f2533";
      surface.fill(BROW);
    });
  }
}

function drawEye(surface: Surface, side: -1 | 1, { lids, gaze }: Pose): void {
  // The upper edge moves down to the lower one, which hardly moves.
  const upper = mix(-20, 13, lids);
  const lower = mix(15, 14, lids);
  isolated(surface, () => {
    surface.scale(side, 1);
    surface.beginPath();
    surface.moveTo(-26, 4);
    surface.bezierCurveTo(-15, upper, 13, upper - 1, 27, mix(-1, 4, lids));
    surface.bezierCurveTo(15, lower, -13, lower + 1, -26, 4);
    surface.closePath();
    surface.fillStyle = "#fffdfb";
    surface.fill();
    surface.clip();
    surface.scale(side, 1);
    drawIris(surface, gaze);
    // The shadow of the lid on the eyeball.
    surface.fillStyle = "rgba(60, 26, 40, 0.2)";
    surface.fillRect(-30, upper - 6, 60, 13);
  });
  isolated(surface, () => {
    surface.scale(side, 1);
    drawLashes(surface, upper, lids);
  });
}

function drawIris(surface: Surface, [x, y]: Pose["gaze"]): void {
  const iris = surface.createRadialGradient(x, y + 3, 2, x, y, 14.5);
  iris.addColorStop(0, "#9a6138");
  iris.addColorStop(0.6, "#633a20");
  iris.addColorStop(1, "#34190e");
  surface.fillStyle = iris;
  fillCircle(surface, x, y, 14.5);
  surface.fillStyle = "#120806";
  fillCircle(surface, x, y, 6.6);
  surface.fillStyle = "#ffffff";
  fillCircle(surface, x + 5, y - 5, 4);
  surface.fillStyle = "rgba(255, 255, 255, 0.75)";
  fillCircle(surface, x - 4.5, y + 5, 1.9);
}

function drawLashes(surface: Surface, upper: number, lids: number): void {
  const outer = mix(-1, 4, lids);
  surface.fillStyle = "#2a1420";
  surface.beginPath();
  surface.moveTo(-27, 5);
  surface.bezierCurveTo(-15, upper - 4, 13, upper - 6, 27, outer - 3);
  surface.lineTo(35, outer - 8 + lids * 7);
  surface.bezierCurveTo(32, outer - 2, 30, outer + 1, 27, outer + 2);
  surface.bezierCurveTo(13, upper + 1, -15, upper + 1, -27, 5);
  surface.fill();
  surface.strokeStyle = "rgba(150, 84, 66, 0.5)";
  surface.lineWidth = 1.8;
  surface.lineCap = "round";
  surface.beginPath();
  surface.moveTo(-19, -13 + lids * 7);
  surface.bezierCurveTo(-8, -21 + lids * 8, 12, -22 + lids * 8, 25, -11 + lids * 5);
  surface.stroke();
}
