import type { CompositionId } from "../looks.js";
import type { VoiceFrame } from "../mouth-frames.js";
import type { Speech } from "../speech.js";
import type { Storyboard } from "../storyboard.js";
import { presenterComposition } from "./composition-presenter.js";
import { spotlightComposition } from "./composition-spotlight.js";
import type { Pose } from "./motion.js";
import type { Surface } from "./surface.js";
import type { Theme } from "./themes.js";
import type { ScenePosition } from "./timeline.js";

/** The content of the video. */
interface CompositionInput {
  readonly theme: Theme;
  readonly storyboard: Storyboard;
  readonly speech: Speech;
  readonly voice: readonly VoiceFrame[];
}

/** The state of one frame. */
interface Moment {
  readonly frame: number;
  readonly ms: number;
  readonly voice: VoiceFrame;
  readonly pose: Pose;
  readonly position: ScenePosition;
}

/** Draws everything in front of the background. */
type DrawComposition = (surface: Surface, moment: Moment) => void;

/** Measures the texts once, and returns the function that draws each frame. */
export type Composition = (surface: Surface, input: CompositionInput) => DrawComposition;

/** The compositions by id. */
export const COMPOSERS: Readonly<Record<CompositionId, Composition>> = {
  presenter: presenterComposition,
  spotlight: spotlightComposition,
};
