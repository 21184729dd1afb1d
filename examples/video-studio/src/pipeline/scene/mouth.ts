import type { MouthPose } from "../mouth-frames.js";
import { LIPS } from "./skin.js";
import { fillRound, isolated, type Surface, TURN } from "./surface.js";

/** The outline of a mouth. Negative values are up. */
interface MouthShape {
  readonly halfWidth: number;
  /** Height of the corners. */
  readonly corner: number;
  /** Height of the inner edge of each lip in the middle. */
  readonly top: number;
  readonly bottom: number;
  readonly opening: number;
}

const MAX_OPENING = 40;
/** A smaller opening is drawn as a line between the lips. */
const CLOSED = 2.4;

/** Draws the mouth around the origin. */
export function drawMouth(surface: Surface, pose: MouthPose): void {
  const shape = shapeOf(pose);
  if (shape.opening > CLOSED) drawInside(surface, shape, pose);
  drawLips(surface, shape);
  if (shape.opening <= CLOSED) drawLine(surface, shape);
  drawCorners(surface, shape, pose.smile);
}

function shapeOf({ open, wide, round, smile }: MouthPose): MouthShape {
  const opening = Math.max(0, open) * MAX_OPENING;
  // A smile lifts the corners and lowers the middle. Straight lips would look sad.
  const middle = smile * 4.5;
  return {
    halfWidth: 33 + 11 * wide - 14 * round + 3 * smile,
    corner: -8 * smile,
    top: middle - opening * 0.32,
    bottom: middle + opening * 0.78,
    opening,
  };
}

function traceInside(surface: Surface, { halfWidth, corner, top, bottom }: MouthShape): void {
  surface.beginPath();
  surface.moveTo(-halfWidth, corner);
  surface.bezierCurveTo(
    -halfWidth * 0.55,
    top * 1.2,
    halfWidth * 0.55,
    top * 1.2,
    halfWidth,
    corner,
  );
  surface.bezierCurveTo(
    halfWidth * 0.62,
    bottom * 1.3,
    -halfWidth * 0.62,
    bottom * 1.3,
    -halfWidth,
    corner,
  );
  surface.closePath();
}

function drawInside(surface: Surface, shape: MouthShape, pose: MouthPose): void {
  const { halfWidth, top, bottom, opening } = shape;
  isolated(surface, () => {
    traceInside(surface, shape);
    surface.fillStyle = LIPS.inside;
    surface.fill();
    surface.clip();
    if (pose.tongue > 0.05) {
      surface.fillStyle = LIPS.tongue;
      surface.beginPath();
      surface.ellipse(
        0,
        bottom * (1.25 - 0.45 * pose.tongue) + 4,
        halfWidth * 0.6,
        opening * 0.42,
        0,
        0,
        TURN,
      );
      surface.fill();
    }
    if (pose.teeth > 0.05) {
      surface.fillStyle = "#fffaf5";
      fillRound(
        surface,
        [
          -halfWidth * 0.76,
          top - 8,
          halfWidth * 1.52,
          9 + Math.min(11, opening * 0.32) * pose.teeth,
        ],
        6,
      );
    }
  });
}

function drawLips(surface: Surface, { halfWidth, corner, top, bottom }: MouthShape): void {
  const edge = halfWidth + 2.5;
  surface.fillStyle = LIPS.upper;
  surface.beginPath();
  surface.moveTo(-edge, corner);
  surface.bezierCurveTo(-edge * 0.6, top * 1.2 - 8, -edge * 0.24, top - 13, 0, top - 8);
  surface.bezierCurveTo(edge * 0.24, top - 13, edge * 0.6, top * 1.2 - 8, edge, corner);
  surface.bezierCurveTo(
    halfWidth * 0.55,
    top * 1.2 + 1,
    -halfWidth * 0.55,
    top * 1.2 + 1,
    -edge,
    corner,
  );
  surface.fill();
  surface.fillStyle = LIPS.lower;
  surface.beginPath();
  surface.moveTo(-edge, corner);
  surface.bezierCurveTo(
    -halfWidth * 0.62,
    bottom * 1.3,
    halfWidth * 0.62,
    bottom * 1.3,
    edge,
    corner,
  );
  surface.bezierCurveTo(
    halfWidth * 0.7,
    bottom * 1.3 + 15,
    -halfWidth * 0.7,
    bottom * 1.3 + 15,
    -edge,
    corner,
  );
  surface.fill();
  surface.strokeStyle = "rgba(255, 255, 255, 0.4)";
  surface.lineWidth = 2.6;
  surface.lineCap = "round";
  surface.beginPath();
  surface.moveTo(-halfWidth * 0.26, bottom + 6);
  surface.quadraticCurveTo(0, bottom + 9, halfWidth * 0.26, bottom + 6);
  surface.stroke();
}

function drawLine(surface: Surface, { halfWidth, corner, bottom }: MouthShape): void {
  surface.strokeStyle = LIPS.line;
  surface.lineWidth = 2.6;
  surface.lineCap = "round";
  surface.beginPath();
  surface.moveTo(-halfWidth - 1, corner);
  surface.bezierCurveTo(
    -halfWidth * 0.5,
    bottom * 1.25,
    halfWidth * 0.5,
    bottom * 1.25,
    halfWidth + 1,
    corner,
  );
  surface.stroke();
}

/** Draws the small folds beside a smile. */
function drawCorners(surface: Surface, { halfWidth, corner }: MouthShape, smile: number): void {
  if (smile < 0.3) return;
  surface.strokeStyle = `rgba(176, 96, 78, ${0.55 * smile})`;
  surface.lineWidth = 2.4;
  surface.lineCap = "round";
  for (const side of [-1, 1]) {
    surface.beginPath();
    surface.moveTo(side * (halfWidth + 4), corner - 5);
    surface.quadraticCurveTo(
      side * (halfWidth + 9),
      corner - 1,
      side * (halfWidth + 5),
      corner + 5,
    );
    surface.stroke();
  }
}
