import type { BackgroundId } from "../looks.js";

/** The still shapes of a background. */
export type Decor = "dots" | "waves" | "sun" | "hills";

/** The colours of a video. */
export interface Theme {
  /** The colours from the upper left to the lower right. */
  readonly sky: readonly [string, string, string];
  /** Three lights that drift: red, green, blue, and a strength from 0 to 1. */
  readonly glows: readonly (readonly [
    red: number,
    green: number,
    blue: number,
    strength: number,
  ])[];
  readonly decor: Decor;
  readonly accent: string;
  /** The colour of text on the accent. */
  readonly onAccent: string;
  /** The colour behind captions. It is opaque enough for white text. */
  readonly panel: string;
  readonly desk: readonly [string, string];
  readonly jacket: readonly [light: string, dark: string, lapel: string];
}

/** The themes by the id of the background. */
export const THEMES: Readonly<Record<BackgroundId, Theme>> = {
  violet: {
    sky: ["#151047", "#3b1d8f", "#7a2fd0"],
    glows: [
      [255, 110, 199, 0.42],
      [56, 189, 248, 0.38],
      [250, 204, 21, 0.16],
    ],
    decor: "dots",
    accent: "#facc15",
    onAccent: "#2b1370",
    panel: "rgba(14, 8, 52, 0.82)",
    desk: ["#2a1672", "#140a45"],
    jacket: ["#3577f2", "#1e3a9a", "#1f55d6"],
  },
  ocean: {
    sky: ["#042f4b", "#0369a1", "#0e9fb8"],
    glows: [
      [45, 212, 191, 0.42],
      [125, 211, 252, 0.36],
      [253, 224, 171, 0.2],
    ],
    decor: "waves",
    accent: "#fde047",
    onAccent: "#083a55",
    panel: "rgba(2, 32, 54, 0.84)",
    desk: ["#064a70", "#032a44"],
    jacket: ["#fb7185", "#be2f55", "#e24a68"],
  },
  sunrise: {
    sky: ["#5b1a4f", "#c2415c", "#f59353"],
    glows: [
      [255, 205, 110, 0.5],
      [255, 138, 128, 0.36],
      [190, 90, 220, 0.34],
    ],
    decor: "sun",
    accent: "#ffe08a",
    onAccent: "#5b1a4f",
    panel: "rgba(56, 12, 46, 0.82)",
    desk: ["#6f2152", "#3a0f33"],
    jacket: ["#2aa198", "#0f5e66", "#178078"],
  },
  forest: {
    sky: ["#062b26", "#0f6b4c", "#5fa845"],
    glows: [
      [190, 242, 100, 0.34],
      [52, 211, 153, 0.36],
      [254, 240, 138, 0.22],
    ],
    decor: "hills",
    accent: "#fde68a",
    onAccent: "#0b4030",
    panel: "rgba(3, 34, 28, 0.84)",
    desk: ["#0d4d3a", "#052b22"],
    jacket: ["#8b6cf0", "#4c2fa3", "#6b49d6"],
  },
};
