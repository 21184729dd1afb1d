import type { CompositionId } from "../looks.js";
import type { VoiceFrame } from "../mouth-frames.js";
import type { Speech } from "../speech.js";
import type { Storyboard } from "../storyboard.js";
import { presenterComposition } from "./composition-presenter.js";
import { spotlightComposition } from "./composition-spotlight.js";
import type { Pose } from "./motion.js";
import type { Surface } from "./surface.js";
import type { Theme } from "./themes.js";
import type { ScenePlace } from "./timeline.js";

/** What is shown. */
interface CompositionInput {
  readonly theme: Theme;
  readonly storyboard: Storyboard;
  readonly speech: Speech;
  readonly voice: readonly VoiceFrame[];
}

/** One moment of it. */
interface Moment {
  readonly frame: number;
  readonly ms: number;
  readonly voice: VoiceFrame;
  readonly pose: Pose;
  readonly place: ScenePlace;
}

/** Draws everything before the background. */
type DrawComposition = (surface: Surface, moment: Moment) => void;

/** Measures texts with the surface once, and gives what draws each moment. */
export type Composition = (surface: Surface, input: CompositionInput) => DrawComposition;

/** By the id of the composition. */
export const COMPOSERS: Readonly<Record<CompositionId, Composition>> = {
  presenter: presenterComposition,
  spotlight: spotlightComposition,
};
