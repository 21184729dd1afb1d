import type { Ffmpeg } from "./ffmpeg-locate.js";

/** The input and the output of the encoder. */
export interface EncoderInput {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** The number of frames. */
  readonly frames: number;
  /** The sound. It is as long as the frames. */
  readonly speechFile: string;
  /** The file that the encoder writes. */
  readonly partialFile: string;
}

/** The command line: raw frames from fd 0, the sound from its file, progress to fd 3. */
export function encoderArguments(input: EncoderInput, ffmpeg: Ffmpeg): string[] {
  const { width, height, fps } = input;
  const output = ["-hide_banner", "-nostats", "-loglevel", "error", "-y"];
  const progress = [
    ...(ffmpeg.hasStatsPeriod ? ["-stats_period", "0.2"] : []),
    "-progress",
    "pipe:3",
  ];
  const frames = [
    "-f",
    "rawvideo",
    "-pix_fmt",
    "rgba",
    "-s",
    `${width}x${height}`,
    "-framerate",
    `${fps}`,
    "-i",
    "pipe:0",
  ];
  const sound = ["-i", input.speechFile, "-map", "0:v", "-map", "1:a"];
  // Players assume BT.709 for a video of this size. The scaler's default matrix would shift the colours.
  const colours = [
    "-vf",
    "scale=out_color_matrix=bt709:out_range=tv",
    "-pix_fmt",
    "yuv420p",
    "-colorspace",
    "bt709",
  ];
  const tags = ["-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"];
  const video = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-profile:v", "high"];
  const audio = ["-c:a", "aac", "-b:a", "128k", "-ar", "44100"];
  // The index comes first, so that a browser can play the video before it has the whole file.
  return [
    ...output,
    ...progress,
    ...frames,
    ...sound,
    ...colours,
    ...tags,
    ...video,
    ...audio,
    "-movflags",
    "+faststart",
    input.partialFile,
  ];
}
