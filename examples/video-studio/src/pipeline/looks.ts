import type { Label } from "./language.js";

/** One option for the look of the video. */
export interface Look {
  readonly id: string;
  readonly label: Label;
}

/** The backgrounds. The first one is the default. */
export const BACKGROUNDS = [
  { id: "violet", label: { vi: "Tím", en: "Violet" } },
  { id: "ocean", label: { vi: "Đại dương", en: "Ocean" } },
  { id: "sunrise", label: { vi: "Bình minh", en: "Sunrise" } },
  { id: "forest", label: { vi: "Rừng xanh", en: "Forest" } },
] as const satisfies readonly Look[];

/** The layouts: the presenter beside the text, or in the middle. The first one is the default. */
export const COMPOSITIONS = [
  { id: "presenter", label: { vi: "Người dẫn bên trái", en: "Presenter beside the text" } },
  { id: "spotlight", label: { vi: "Người dẫn ở giữa", en: "Presenter in the middle" } },
] as const satisfies readonly Look[];

/** The id of one of the {@link BACKGROUNDS}. */
export type BackgroundId = (typeof BACKGROUNDS)[number]["id"];

/** The id of one of the {@link COMPOSITIONS}. */
export type CompositionId = (typeof COMPOSITIONS)[number]["id"];
