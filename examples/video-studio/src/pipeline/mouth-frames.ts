import type { MouthCue, MouthLetter } from "./mouth-cues.js";

/** The mouth in one frame. Each value is from 0 to 1, except `wide`, which is from -1 (narrow) to 1. */
export interface MouthPose {
  readonly open: number;
  readonly wide: number;
  readonly round: number;
  readonly teeth: number;
  readonly tongue: number;
  /** The lift of the corners: 1 is a gentle smile, at rest. */
  readonly smile: number;
}

/** The voice in one frame. */
export interface VoiceFrame {
  readonly mouth: MouthPose;
  /** Loudness from 0 to 1, relative to the loudest part of the speech. */
  readonly loudness: number;
  /** The loudness, smoothed over about a third of a second. Brows, head and halo follow it. */
  readonly energy: number;
}

const POSES: Readonly<Record<MouthLetter, MouthPose>> = {
  X: { open: 0, wide: 0.1, round: 0, teeth: 0, tongue: 0, smile: 1 },
  A: { open: 0, wide: 0, round: 0.06, teeth: 0, tongue: 0, smile: 0.45 },
  B: { open: 0.24, wide: 0.55, round: 0, teeth: 1, tongue: 0, smile: 0.6 },
  C: { open: 0.54, wide: 0.42, round: 0, teeth: 0.9, tongue: 0.4, smile: 0.45 },
  D: { open: 1, wide: 0.22, round: 0, teeth: 0.8, tongue: 0.6, smile: 0.35 },
  E: { open: 0.56, wide: -0.05, round: 0.45, teeth: 0.5, tongue: 0.4, smile: 0.2 },
  F: { open: 0.3, wide: -0.4, round: 1, teeth: 0, tongue: 0, smile: 0 },
  G: { open: 0.14, wide: 0.2, round: 0, teeth: 1, tongue: 0, smile: 0.4 },
  H: { open: 0.46, wide: 0.2, round: 0, teeth: 0.7, tongue: 1, smile: 0.4 },
};

/** Lips move this long before the sound that they shape. */
const AHEAD_MS = 30;
const PARTS = ["open", "wide", "round", "teeth", "tongue", "smile"] as const;

/** Input of {@link voiceFrames}. */
export interface VoiceFramesInput {
  readonly cues: readonly MouthCue[];
  readonly samples: Int16Array;
  readonly sampleRate: number;
  readonly fps: number;
  readonly frames: number;
}

/** The voice of each frame. The mouth opens with the loudness, and moves smoothly from one shape to the next. */
export function voiceFrames(input: VoiceFramesInput): VoiceFrame[] {
  const loudness = loudnessPerFrame(input);
  const result: VoiceFrame[] = [];
  let cue = 0;
  let mouth: MouthPose = POSES.X;
  let energy = 0;
  for (let frame = 0; frame < input.frames; frame += 1) {
    const atMs = (frame / input.fps) * 1000 + AHEAD_MS;
    while (cue + 1 < input.cues.length && (input.cues[cue + 1]?.startMs ?? Infinity) <= atMs)
      cue += 1;
    const loud = loudness[frame] ?? 0;
    const letter = input.cues[cue]?.letter ?? "X";
    mouth = towards(mouth, opened(POSES[letter], loud), letter);
    energy += (loud - energy) * (loud > energy ? 0.3 : 0.12);
    result.push({ mouth, loudness: loud, energy });
  }
  return result;
}

function opened(pose: MouthPose, loudness: number): MouthPose {
  return { ...pose, open: Math.min(1, pose.open * (0.42 + 0.75 * loudness)) };
}

/** A closure is quick, or the smoothing would remove it. A smile returns slowly. */
function towards(from: MouthPose, to: MouthPose, letter: MouthLetter): MouthPose {
  const speed = letter === "A" || letter === "G" ? 0.8 : letter === "X" ? 0.4 : 0.58;
  const next: Record<(typeof PARTS)[number], number> = { ...from };
  for (const part of PARTS)
    next[part] += (to[part] - from[part]) * (part === "smile" ? 0.3 : speed);
  return next;
}

/** The root mean square of each frame, relative to the loudest one. Silence is 0. */
function loudnessPerFrame({ samples, sampleRate, fps, frames }: VoiceFramesInput): number[] {
  const levels = Array.from({ length: frames }, (_, frame) => {
    const part = samples.subarray(
      Math.floor((frame * sampleRate) / fps),
      Math.floor(((frame + 1) * sampleRate) / fps),
    );
    let sum = 0;
    for (const sample of part) sum += sample * sample;
    return part.length > 0 ? Math.sqrt(sum / part.length) : 0;
  });
  const peak = levels.reduce((most, level) => Math.max(most, level), 0);
  return levels.map((level) => (peak > 0 ? Math.min(1, level / (peak * 0.8)) : 0));
}
