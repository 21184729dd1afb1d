import { createCanvas } from "@napi-rs/canvas";
import { startEncoder } from "./encoder.js";
import type { Ffmpeg } from "./ffmpeg-locate.js";
import { type JobFiles, writeAtomically } from "./files.js";
import type { Report } from "./messages.js";
import type { Stage } from "./scene/stage.js";
import { HEIGHT, WIDTH } from "./scene/surface.js";
import type { StepClock } from "./step-clock.js";

/** Options of {@link renderVideo}. */
export interface RenderOptions {
  readonly stage: Stage;
  readonly frames: number;
  readonly fps: number;
  readonly files: JobFiles;
  readonly ffmpeg: Ffmpeg;
  readonly steps: StepClock;
  readonly report: Report;
  readonly signal: AbortSignal;
}

const PREVIEW_INTERVAL_MS = 1000;
const PREVIEW = { width: WIDTH / 2, height: HEIGHT / 2, quality: 78 } as const;

/** Draws all frames and encodes each one when it is drawn. Runs the steps `render` and `encode`. */
export async function renderVideo(options: RenderOptions): Promise<void> {
  const { stage, frames, fps, files, ffmpeg, steps, report, signal } = options;
  await steps.checkpoint();
  steps.start("render");
  steps.start("encode");
  const showPreview = previews(options);
  const encoder = startEncoder({
    ffmpeg,
    signal,
    width: WIDTH,
    height: HEIGHT,
    fps,
    frames,
    speechFile: files.speech,
    partialFile: files.partialVideo,
    file: files.video,
    onEncoded: (done) => steps.progress("encode", { done, total: frames, unit: "frames" }),
    onWarning: (line) => report({ type: "log", line: `ffmpeg: ${line}` }),
  });
  try {
    for (let frame = 0; frame < frames; frame += 1) {
      stage.draw(frame);
      await showPreview(frame);
      await encoder.write(stage.canvas.data());
      steps.progress("render", { done: frame + 1, total: frames, unit: "frames" });
    }
    steps.finish("render");
    await encoder.finish();
    steps.finish("encode");
  } finally {
    await encoder.close();
  }
}

/** Returns a function that writes the current frame as a small JPEG, at most once a second. */
function previews({ stage, files, report }: RenderOptions): (frame: number) => Promise<void> {
  const { width, height, quality } = PREVIEW;
  const small = createCanvas(width, height);
  const surface = small.getContext("2d");
  let writtenAt = -Infinity;

  return async (frame) => {
    const now = performance.now();
    if (now - writtenAt < PREVIEW_INTERVAL_MS) return;
    writtenAt = now;
    surface.drawImage(stage.canvas, 0, 0, width, height);
    await writeAtomically(files.preview, await small.encode("jpeg", quality));
    report({ type: "preview", file: files.preview, frame, width, height });
  };
}
