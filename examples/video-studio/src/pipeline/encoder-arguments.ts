import type { Ffmpeg } from "./ffmpeg-locate.js";

/** What goes into the encoder and comes out of it. */
export interface EncoderInput {
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** How many frames will be given. */
  readonly frames: number;
  /** The sound, as long as the frames. */
  readonly speechFile: string;
  /** Where it writes. */
  readonly partialFile: string;
}

/** The command line: raw frames on fd 0, the sound from its file, progress on fd 3. */
export function encoderArguments(input: EncoderInput, ffmpeg: Ffmpeg): string[] {
  const { width, height, fps } = input;
  const talk = ["-hide_banner", "-nostats", "-loglevel", "error", "-y"];
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
  // Players take video of this size for BT.709; converting by the default of the scaler would shift the colours.
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
  // The index goes to the front, so that a browser plays before it has the whole file.
  return [
    ...talk,
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
