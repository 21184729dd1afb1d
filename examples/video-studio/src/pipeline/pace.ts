import type { Language } from "./language.js";
import type { Storyboard } from "./storyboard.js";

/** The speed of the speech, and the rests between lines and scenes. */
export interface Pace {
  /** Words per minute, as the engine counts them. */
  readonly rate: number;
  readonly lineGapMs: number;
  readonly sceneGapMs: number;
}

/** Measured at the usual rate over all lines of the templates. The estimates are within a quarter of a second. */
const MS_PER_CHAR: Readonly<Record<Language, number>> = { vi: 58.5, en: 61.5 };
const MS_PER_LINE = 180;
const USUAL_RATE = 150;
const MIN_RATE = 132;
const MAX_RATE = 190;
const LINE_GAP_MS = 120;
const SCENE_GAP_MS = 280;
const MAX_SCENE_GAP_MS = 900;

/** The usual silence after the last word, so that the video does not end abruptly. */
export const TAIL_MS = 600;
/** The least silence after the last word. */
const MIN_TAIL_MS = 250;
/** The most silence that is added to reach the requested length. */
const MAX_ADDED_MS = 2_000;

/** The silence before the first word, so that the presenter is seen before she speaks. */
export const LEAD_MS = 240;

/** The estimated length of a spoken line at the usual rate, in milliseconds. */
export function estimateMs(language: Language, text: string): number {
  return MS_PER_LINE + text.length * MS_PER_CHAR[language];
}

/** The pace for about the requested length. The rate changes first, as far as it sounds natural, then the rests. */
export function paceFor(storyboard: Storyboard, wantedMs: number): Pace {
  const { scenes } = storyboard;
  const lines = scenes.flatMap((scene) => scene.lines);
  const spokenMs = spokenMsOf(storyboard);
  const rests = scenes.length - 1;
  const restMs =
    rests * SCENE_GAP_MS + (lines.length - scenes.length) * LINE_GAP_MS + LEAD_MS + TAIL_MS;
  const wantedRate = (USUAL_RATE * spokenMs) / Math.max(1, wantedMs - restMs);
  const rate = Math.round(Math.min(MAX_RATE, Math.max(MIN_RATE, wantedRate)));
  const spareMs = wantedMs - restMs - (spokenMs * USUAL_RATE) / rate;
  const sceneGapMs =
    rests > 0 && spareMs > 0
      ? Math.min(MAX_SCENE_GAP_MS, SCENE_GAP_MS + spareMs / rests)
      : SCENE_GAP_MS;
  return { rate, lineGapMs: LINE_GAP_MS, sceneGapMs: Math.round(sceneGapMs) };
}

function spokenMsOf({ language, scenes }: Storyboard): number {
  const lines = scenes.flatMap((scene) => scene.lines);
  return lines.reduce((sum, line) => sum + estimateMs(language, line), 0);
}

/** The length of a video, estimated from its script before anything is spoken. A text ends when it is spoken. */
export function expectedLengthMs(storyboard: Storyboard, requestedSeconds: number): number {
  const { rate, lineGapMs, sceneGapMs } = paceFor(storyboard, requestedSeconds * 1000);
  const scenes = storyboard.scenes.length;
  const lines = storyboard.scenes.reduce((sum, scene) => sum + scene.lines.length, 0);
  const restMs = LEAD_MS + (scenes - 1) * sceneGapMs + (lines - scenes) * lineGapMs;
  return videoLengthMs(restMs + (spokenMsOf(storyboard) * USUAL_RATE) / rate, requestedSeconds);
}

/**
 * The length of a video whose last word ends at `spokenMs`: the requested length if the speech ends shortly before it,
 * else the next whole second. A length in whole seconds is the same in the page and in a player, which rounds it down.
 */
export function videoLengthMs(spokenMs: number, requestedSeconds: number): number {
  const shortestMs = Math.ceil((spokenMs + MIN_TAIL_MS) / 1000) * 1000;
  const requestedMs = Math.ceil(requestedSeconds) * 1000;
  const addedMs = requestedMs - shortestMs;
  return addedMs > 0 && addedMs <= MAX_ADDED_MS ? requestedMs : shortestMs;
}
