import { type Canvas, createCanvas } from "@napi-rs/canvas";
import type { BackgroundId, CompositionId } from "../looks.js";
import type { VoiceFrame } from "../mouth-frames.js";
import type { Speech } from "../speech.js";
import type { Storyboard } from "../storyboard.js";
import { background } from "./background.js";
import { COMPOSERS } from "./composition.js";
import { blinkTimes, poseAt } from "./motion.js";
import { HEIGHT, loadFonts, WIDTH } from "./surface.js";
import { THEMES } from "./themes.js";
import { positionAt, sceneSpans } from "./timeline.js";

/** Input of {@link createStage}. */
export interface StageInput {
  readonly storyboard: Storyboard;
  readonly speech: Speech;
  /** The voice of each frame. At least one. */
  readonly voice: readonly VoiceFrame[];
  readonly fps: number;
  readonly background: BackgroundId;
  readonly composition: CompositionId;
}

/** A canvas that can draw any frame of the video. */
export interface Stage {
  readonly canvas: Canvas;
  /** Draws a frame, by its number from 0. The picture depends only on the number. */
  draw(frame: number): void;
  /** Rates a frame as a poster: open eyes, captions, a friendly mouth. A larger value is better. */
  rate(frame: number): number;
}

const BAR_HEIGHT = 8;
const STILL: VoiceFrame = {
  mouth: { open: 0, wide: 0, round: 0, teeth: 0, tongue: 0, smile: 1 },
  loudness: 0,
  energy: 0,
};

/** Creates a stage: loads the fonts, draws the still background and measures the texts. */
export function createStage(input: StageInput): Stage {
  loadFonts();
  const canvas = createCanvas(WIDTH, HEIGHT);
  const surface = canvas.getContext("2d");
  const { storyboard, speech, voice } = input;
  const theme = THEMES[input.background];
  const drawBackground = background(theme);
  const drawComposition = COMPOSERS[input.composition](surface, {
    theme,
    storyboard,
    speech,
    voice,
  });
  const spans = sceneSpans(speech.words, storyboard.scenes.length, speech.durationMs);
  const blinks = blinkTimes(speech.durationMs / 1000);
  const momentOf = (frame: number) => {
    const ms = (frame / input.fps) * 1000;
    const now = voice[frame] ?? voice.at(-1) ?? STILL;
    return {
      frame,
      ms,
      voice: now,
      pose: poseAt(ms / 1000, now, blinks),
      position: positionAt(spans, ms),
    };
  };

  return {
    canvas,
    draw(frame) {
      const moment = momentOf(frame);
      drawBackground(surface, moment.ms / 1000);
      drawComposition(surface, moment);
      surface.fillStyle = "rgba(255, 255, 255, 0.16)";
      surface.fillRect(0, HEIGHT - BAR_HEIGHT, WIDTH, BAR_HEIGHT);
      surface.fillStyle = theme.accent;
      surface.fillRect(0, HEIGHT - BAR_HEIGHT, (WIDTH * (frame + 1)) / voice.length, BAR_HEIGHT);
    },
    rate(frame) {
      const { ms, voice: now, pose } = momentOf(frame);
      const isSpeaking = speech.words.some((word) => ms >= word.startMs + 60 && ms < word.endMs);
      const friendly =
        now.mouth.smile + now.mouth.wide * 0.5 + Math.min(0.35, now.mouth.open) - now.mouth.round;
      return (isSpeaking ? 1 : 0) + friendly - pose.lids * 4;
    },
  };
}
