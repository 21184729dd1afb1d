import type { SceneWord } from "../speech.js";
import { clamp } from "./easing.js";

/** The time of a scene, in milliseconds. It ends when the next one begins. */
export interface SceneSpan {
  readonly startMs: number;
  readonly endMs: number;
}

/** The position of a time in the list of scenes. */
export interface ScenePosition {
  /** The index of the scene, from 0. */
  readonly index: number;
  /** The part of the scene that has passed, from 0 to 1. */
  readonly share: number;
  /** Milliseconds since the scene began. */
  readonly sinceMs: number;
}

/** The start and end of each scene. A scene that was left out of the speech has no words and never begins. */
export function sceneSpans(
  words: readonly SceneWord[],
  scenes: number,
  durationMs: number,
): SceneSpan[] {
  const starts = Array.from(
    { length: scenes },
    (_, scene) => words.find((word) => word.scene === scene)?.startMs ?? durationMs,
  );
  return starts.map((start, scene) => ({
    startMs: scene === 0 ? 0 : start,
    endMs: starts[scene + 1] ?? durationMs,
  }));
}

/** The position of a time in milliseconds. */
export function positionAt(spans: readonly SceneSpan[], ms: number): ScenePosition {
  const index = Math.max(
    0,
    spans.findLastIndex((span) => span.startMs <= ms),
  );
  const span = spans[index];
  if (!span) return { index: 0, share: 0, sinceMs: ms };
  return {
    index,
    share: clamp((ms - span.startMs) / Math.max(1, span.endMs - span.startMs)),
    sinceMs: ms - span.startMs,
  };
}
