import type { VoiceFrame } from "../mouth-frames.js";
import { drawBody } from "./body.js";
import { drawEyes } from "./eyes.js";
import { drawBackHair, drawFringe, drawFringeShade, drawLock } from "./hair.js";
import type { Pose } from "./motion.js";
import { drawMouth } from "./mouth.js";
import { SKIN } from "./skin.js";
import { fillCircle, isolated, type Surface, TURN } from "./surface.js";
import type { Theme } from "./themes.js";

const MOUTH_Y = 88;
/** The neck is the centre of the head's rotation. */
const NECK_Y = 118;
/** The movement of the features when the head turns. Hair and ears move less, so they seem farther away. */
const TURN_FEATURES = 8;
const TURN_HAIR = 3.5;

/** Draws the presenter. The origin is the centre of the face. */
export function drawPresenter(surface: Surface, theme: Theme, pose: Pose, voice: VoiceFrame): void {
  drawBackHair(surface, pose.tilt * 0.7);
  drawBody(surface, theme, pose);
  isolated(surface, () => {
    surface.translate(0, NECK_Y + pose.nod * 0.8 - pose.breath * 1.4);
    surface.rotate(pose.tilt);
    surface.translate(0, -NECK_Y);
    drawHead(surface, pose, voice);
  });
}

function drawHead(surface: Surface, pose: Pose, voice: VoiceFrame): void {
  const features = pose.turn * TURN_FEATURES;
  drawEar(surface, -pose.turn * TURN_HAIR);
  isolated(surface, () => {
    traceFace(surface, voice.mouth.open * 8);
    surface.fillStyle = faceColour(surface);
    surface.fill();
    surface.clip();
    surface.translate(pose.turn * TURN_HAIR, 0);
    drawFringeShade(surface);
  });
  isolated(surface, () => {
    surface.translate(features, pose.nod * 0.5);
    drawCheeks(surface);
    drawEyes(surface, pose);
    drawNose(surface);
    surface.translate(0, MOUTH_Y + voice.mouth.open * 2);
    drawMouth(surface, voice.mouth);
  });
  isolated(surface, () => {
    surface.translate(pose.turn * TURN_HAIR, 0);
    drawLock(surface, -pose.tilt * 0.8);
    drawFringe(surface);
  });
}

/** Traces the outline of the face. `jaw` is the distance by which the chin is lowered. */
function traceFace(surface: Surface, jaw: number): void {
  surface.beginPath();
  surface.moveTo(-114, -30);
  surface.bezierCurveTo(-118, -166, 118, -166, 114, -30);
  surface.bezierCurveTo(114, 46, 86, 104 + jaw, 32, 133 + jaw);
  surface.bezierCurveTo(13, 142 + jaw, -13, 142 + jaw, -32, 133 + jaw);
  surface.bezierCurveTo(-86, 104 + jaw, -114, 46, -114, -30);
  surface.closePath();
}

function faceColour(surface: Surface): CanvasGradient {
  const colour = surface.createRadialGradient(-22, -30, 20, 0, 4, 168);
  colour.addColorStop(0, SKIN.light);
  colour.addColorStop(0.62, SKIN.middle);
  colour.addColorStop(1, SKIN.edge);
  return colour;
}

/** Draws one ear. The other one is under the lock. */
function drawEar(surface: Surface, shift: number): void {
  surface.fillStyle = SKIN.edge;
  surface.beginPath();
  surface.ellipse(115 + shift, 12, 15, 25, 0.16, 0, TURN);
  surface.fill();
  surface.strokeStyle = "rgba(170, 92, 72, 0.45)";
  surface.lineWidth = 2.5;
  surface.beginPath();
  surface.arc(117 + shift, 10, 8, -1.4, 1.2);
  surface.stroke();
  surface.fillStyle = "#fbe3a4";
  fillCircle(surface, 118 + shift, 43, 6.5);
  surface.fillStyle = "#ffffff";
  fillCircle(surface, 120 + shift, 41, 2);
}

function drawCheeks(surface: Surface): void {
  for (const x of [-70, 70]) {
    const blush = surface.createRadialGradient(x, 44, 2, x, 44, 30);
    blush.addColorStop(0, "rgba(244, 114, 140, 0.34)");
    blush.addColorStop(1, "rgba(244, 114, 140, 0)");
    surface.fillStyle = blush;
    surface.fillRect(x - 30, 14, 60, 60);
  }
}

function drawNose(surface: Surface): void {
  surface.lineCap = "round";
  surface.strokeStyle = SKIN.line;
  surface.lineWidth = 3;
  surface.beginPath();
  surface.moveTo(-11, 45);
  surface.quadraticCurveTo(-5, 52, 0, 50);
  surface.quadraticCurveTo(5, 52, 11, 45);
  surface.stroke();
  surface.strokeStyle = "rgba(255, 255, 255, 0.5)";
  surface.lineWidth = 5;
  surface.beginPath();
  surface.moveTo(1, 8);
  surface.lineTo(2, 32);
  surface.stroke();
}
