/** The colours of the presenter's skin. The theme has the colours of the jacket. */
export const SKIN = {
  light: "#ffe3cf",
  middle: "#f9cfb2",
  edge: "#ecb392",
  neck: "#f2c1a1",
  shade: "rgba(158, 78, 62, 0.26)",
  line: "#c07c63",
} as const;

/** The colours of the hair, from the crown to the tips. */
export const HAIR = {
  crown: "#41253a",
  middle: "#2b1626",
  tips: "#1b0e1a",
  shine: "rgba(255, 196, 222, 0.17)",
} as const;

/** The colours of the mouth. */
export const LIPS = {
  upper: "#c9445f",
  lower: "#dc6079",
  line: "#94304a",
  inside: "#4a0d1d",
  tongue: "#d8607b",
} as const;
