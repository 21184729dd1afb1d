import type { VoiceFrame } from "../mouth-frames.js";
import { clamp } from "./easing.js";

/** The presenter's pose at a time. */
export interface Pose {
  /** Head tilt, in radians. */
  readonly tilt: number;
  /** Head turn: -1 to her right, 1 to her left. */
  readonly turn: number;
  /** Head down, in pixels at scale 1. */
  readonly nod: number;
  /** From -1 (breathed out) to 1 (breathed in). */
  readonly breath: number;
  /** 0 open, 1 closed. */
  readonly lids: number;
  /** The direction of the eyes, in pixels from straight ahead. */
  readonly gaze: readonly [x: number, y: number];
  /** Lifted brows, 0 to 1. */
  readonly brows: number;
}

const BLINK_SECONDS = 0.13;

/** The times at which the eyes close, in seconds: irregularly every two to five seconds, and the same in every run. */
export function blinkTimes(durationSeconds: number): number[] {
  const times: number[] = [];
  let seed = 7;
  for (let at = 1.1; at < durationSeconds; ) {
    times.push(at);
    seed = (seed * 16_807) % 2_147_483_647;
    // Sometimes people blink twice.
    if (seed % 4 === 0) times.push(at + 0.34);
    at += 2 + (seed % 1000) / 370;
  }
  return times;
}

/**
 * The pose at a time in seconds. It is a sum of slow waves of different lengths, which do not repeat visibly, and of
 * the movements with the voice.
 */
export function poseAt(seconds: number, voice: VoiceFrame, blinks: readonly number[]): Pose {
  const lids = blinks.reduce(
    (most, at) => Math.max(most, 1 - Math.abs(seconds - at) / BLINK_SECONDS),
    0,
  );
  const turn = Math.sin(seconds * 0.62) * 0.55 + Math.sin(seconds * 1.37 + 0.8) * 0.25;
  return {
    tilt:
      Math.sin(seconds * 1.1) * 0.018 + Math.sin(seconds * 0.53 + 1) * 0.014 + voice.energy * 0.012,
    turn,
    nod: voice.energy * 5 + Math.sin(seconds * 1.9) * 1.2,
    breath: Math.sin(seconds * 1.6),
    lids: clamp(lids * 1.3),
    // The eyes stay with the viewer while the head turns.
    gaze: [-turn * 2.4 + Math.sin(seconds * 0.7) * 1.2, Math.sin(seconds * 0.43) * 1.1],
    brows: clamp(voice.energy * 1.1),
  };
}
