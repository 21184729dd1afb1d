import type { SceneWord } from "../speech.js";
import { clamp } from "./easing.js";

/** One scene in time, in milliseconds; it lasts until the next begins. */
export interface SceneSpan {
  readonly startMs: number;
  readonly endMs: number;
}

/** Where a moment is in the list of scenes. */
export interface ScenePlace {
  /** Zero-based. */
  readonly index: number;
  /** How much of the scene has passed, 0 to 1. */
  readonly share: number;
  /** Milliseconds since it began. */
  readonly sinceMs: number;
}

/** When each scene begins and ends. A scene without words, which was left out of the speech, never begins. */
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

/** The scene of a moment. */
export function placeAt(spans: readonly SceneSpan[], ms: number): ScenePlace {
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
