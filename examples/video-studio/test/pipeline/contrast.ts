import { createCanvas, type SKRSContext2D } from "@napi-rs/canvas";
import type { Stage } from "../../src/pipeline/scene/stage.js";

/** A text of a frame, and how well it can be read. */
export interface ShownText {
  readonly text: string;
  /** The vertical centre, in pixels from the top. */
  readonly y: number;
  /** In pixels. */
  readonly fontSize: number;
  /** The lowest contrast ratio (WCAG) between the text and what is behind it. */
  readonly contrast: number;
}

/** A call of `fillText`, with the state that determines its glyphs. */
interface TextCall {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly state: Pick<SKRSContext2D, "font" | "textAlign" | "textBaseline">;
  readonly transform: ReturnType<SKRSContext2D["getTransform"]>;
}

/** The coverage of a pixel that belongs to the inside of a glyph. */
const INSIDE = 250;
/** The contrast of two neighbours of a pixel that is on an edge, such as that of a highlight. */
const EDGE = 1.3;

/**
 * Draws a frame with and without its texts, and compares the two where the glyphs are.
 *
 * @param from - Only texts below this line count, in pixels from the top.
 */
export function readTexts(stage: Stage, frame: number, from = 0): ShownText[] {
  const { width, height } = stage.canvas;
  const surface = stage.canvas.getContext("2d");
  stage.draw(frame);
  const shown = surface.getImageData(0, from, width, height - from).data;
  const calls = new Map<string, TextCall>();
  const original = surface.fillText;
  surface.fillText = (text, x, y) => {
    const call = callOf(surface, text, x, y);
    // A text that is drawn twice at one place is one text.
    calls.set(`${text} ${x} ${y} ${call.transform.e} ${call.transform.f}`, call);
  };
  stage.draw(frame);
  surface.fillText = original;
  const behind = surface.getImageData(0, from, width, height - from).data;
  const inFrame = [...calls.values()].filter(({ transform, y }) => transform.f + y >= from);
  return inFrame.map((call) => {
    const ratios = glyphPixels(call, { width, height, from })
      // The edge of a highlight is blurred over one pixel, which belongs to neither side.
      .filter((at) => ratio(luminance(behind, at - 4), luminance(behind, at + 4)) < EDGE)
      .map((at) => ratio(luminance(shown, at), luminance(behind, at)));
    return {
      text: call.text,
      y: call.transform.f + call.y,
      fontSize: Number.parseInt(call.state.font, 10),
      contrast: ratios.reduce((lowest, one) => Math.min(lowest, one), Infinity),
    };
  });
}

function callOf(surface: SKRSContext2D, text: string, x: number, y: number): TextCall {
  const { font, textAlign, textBaseline } = surface;
  const transform = surface.getTransform();
  return { text, x, y, state: { font, textAlign, textBaseline }, transform };
}

/** The indices of the pixels inside the glyphs of a text. */
function glyphPixels(
  { text, x, y, state, transform }: TextCall,
  {
    width,
    height,
    from,
  }: { readonly width: number; readonly height: number; readonly from: number },
): number[] {
  const mask = createCanvas(width, height - from).getContext("2d");
  Object.assign(mask, state);
  mask.translate(0, -from);
  mask.transform(transform.a, transform.b, transform.c, transform.d, transform.e, transform.f);
  mask.fillText(text, x, y);
  const { data } = mask.getImageData(0, 0, width, height - from);
  const pixels: number[] = [];
  for (let at = 3; at < data.length; at += 4) if ((data[at] ?? 0) >= INSIDE) pixels.push(at - 3);
  return pixels;
}

function luminance(data: Uint8ClampedArray, at: number): number {
  const linear = (channel: number): number => {
    const share = (data[at + channel] ?? 0) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * linear(0) + 0.7152 * linear(1) + 0.0722 * linear(2);
}

function ratio(a: number, b: number): number {
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
