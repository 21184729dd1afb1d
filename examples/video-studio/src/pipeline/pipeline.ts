import { rm, stat } from "node:fs/promises";
import { asVideoError, cancelledError, VideoError } from "./errors.js";
import { espeakSpeaker } from "./espeak-speaker.js";
import { locateFfmpeg } from "./ffmpeg-locate.js";
import { type JobFiles, jobFiles, removeJobFiles, writeWhole } from "./files.js";
import { logLines } from "./log-lines.js";
import type { MadeVideo, Report } from "./messages.js";
import { mouthCues } from "./mouth-cues.js";
import { type VoiceFrame, voiceFrames } from "./mouth-frames.js";
import { paceFor } from "./pace.js";
import { renderVideo } from "./render.js";
import { LIMITS, type VideoRequest } from "./request.js";
import { createStage, type Stage } from "./scene/stage.js";
import { HEIGHT, WIDTH } from "./scene/surface.js";
import type { Speaker } from "./speaker.js";
import { type Speech, speakStoryboard } from "./speech.js";
import { type StepClock, stepClock } from "./step-clock.js";
import { type ScriptWriter, type Storyboard, templateWriter } from "./storyboard.js";
import { findVoice, type VoiceId, voiceFor } from "./voices.js";
import { encodeWav } from "./wav.js";

/** Frames per second of the video. */
const FPS = 25;
/** A text is said in whole, so it may pass the longest duration a little; no line begins after this. */
const MAX_SPEECH_MS = (LIMITS.maxSeconds + 5) * 1000;
const POSTER_QUALITY = 86;

/** Where a video goes and who hears about it. */
export interface MakeVideoOptions {
  /** Absolute path of an existing directory that belongs to this job alone. */
  readonly outDir: string;
  readonly report: Report;
  /** Stops the work: the encoder is killed, and all files of the job are removed. */
  readonly signal: AbortSignal;
  /** @defaultValue the one that needs nothing */
  readonly writer?: ScriptWriter;
  /** @defaultValue the engine that needs no network */
  readonly speaker?: () => Promise<Speaker>;
}

/**
 * Makes the video. Resolves when `final.mp4` and `poster.jpg` are whole; until then there is no file of these names.
 *
 * @throws {@link VideoError}, always; and then no file of the job is left.
 */
export async function makeVideo(
  request: VideoRequest,
  options: MakeVideoOptions,
): Promise<MadeVideo> {
  const { outDir, signal } = options;
  try {
    return await makeSteps(request, options, jobFiles(outDir));
  } catch (thrown) {
    await removeJobFiles(outDir);
    throw signal.aborted ? cancelledError() : asVideoError(thrown);
  }
}

async function makeSteps(
  request: VideoRequest,
  options: MakeVideoOptions,
  files: JobFiles,
): Promise<MadeVideo> {
  const { report, signal } = options;
  const steps = stepClock(report, signal);
  const asked = request.voice === undefined ? undefined : findVoice(request.voice);
  if (request.voice !== undefined && !asked)
    throw new VideoError("unknown-voice", "The voice is not one of the voices offered.");

  const { ffmpeg, storyboard } = await steps.run("script", async () => {
    // First of all: without an encoder, everything else would be for nothing.
    const found = await locateFfmpeg();
    return {
      ffmpeg: found,
      storyboard: await (options.writer ?? templateWriter()).write(request, signal),
    };
  });
  const scenes = storyboard.scenes.map((scene) => scene.label);
  const voice = voiceFor(storyboard.language, asked);
  report({
    type: "meta",
    meta: { title: storyboard.title, language: storyboard.language, scenes, voice: voice.id },
  });
  const say = logLines(storyboard.language);
  report({ type: "log", line: say.begun(scenes.length, ffmpeg.version) });
  if (asked && asked.id !== voice.id)
    report({ type: "log", line: say.otherVoice(asked.id, voice.id) });

  const speech = await steps.run("speech", () =>
    speak(storyboard, voice.id as VoiceId, request, { ...options, files, steps }),
  );
  const mouths = await steps.run("mouth", async () => shapeMouths(speech, steps));
  report({ type: "meta", meta: { durationMs: speech.durationMs, frames: mouths.length } });

  const { background, composition } = request;
  const stage = createStage({
    storyboard,
    speech,
    voice: mouths,
    fps: FPS,
    background,
    composition,
  });
  await renderVideo({
    stage,
    frames: mouths.length,
    fps: FPS,
    files,
    ffmpeg,
    steps,
    report,
    signal,
  });
  await steps.run("finish", async () => {
    steps.progress("finish", { done: 0, total: 2, unit: "files" });
    await writePoster(stage, mouths.length, files);
    steps.progress("finish", { done: 1, total: 2, unit: "files" });
    await rm(files.speech, { force: true });
    steps.progress("finish", { done: 2, total: 2, unit: "files" });
  });

  const { size } = await stat(files.video);
  const { language, title } = storyboard;
  const picture = { width: WIDTH, height: HEIGHT, frames: mouths.length };
  return {
    file: files.video,
    poster: files.poster,
    durationMs: speech.durationMs,
    bytes: size,
    language,
    title,
    ...picture,
  };
}

interface SpeakContext extends MakeVideoOptions {
  readonly files: JobFiles;
  readonly steps: StepClock;
}

async function speak(
  storyboard: Storyboard,
  voice: VoiceId,
  request: VideoRequest,
  context: SpeakContext,
): Promise<Speech> {
  const { steps, report } = context;
  const speaker = await (context.speaker ?? espeakSpeaker)();
  const speech = await speakStoryboard(storyboard, {
    speaker,
    voice,
    pace: paceFor(storyboard, request.duration * 1000),
    fps: FPS,
    maxMs: MAX_SPEECH_MS,
    onScene: async (done, total) => {
      steps.progress("speech", { done, total, unit: "scenes" });
      await steps.breathe();
    },
  });
  if (speech.droppedScenes > 0)
    report({ type: "log", line: logLines(storyboard.language).leftOut(speech.droppedScenes) });
  await writeWhole(context.files.speech, encodeWav(speech.samples, speech.sampleRate));
  return speech;
}

function shapeMouths(
  { phonemes, samples, sampleRate, durationMs }: Speech,
  steps: StepClock,
): VoiceFrame[] {
  const cues = mouthCues(phonemes, durationMs);
  const frames = Math.round((durationMs / 1000) * FPS);
  const shaped = voiceFrames({ cues, samples, sampleRate, fps: FPS, frames });
  steps.progress("mouth", { done: shaped.length, total: frames, unit: "frames" });
  return shaped;
}

/** The still that stands for the video: the best of a few from its first two thirds. */
async function writePoster(stage: Stage, frames: number, files: JobFiles): Promise<void> {
  const candidates = Array.from({ length: Math.ceil(frames * 0.66) }, (_, frame) => frame).filter(
    (frame) => frame >= 20 || frames < 40,
  );
  const best = candidates.reduce(
    (known, frame) => (stage.rate(frame) > stage.rate(known) ? frame : known),
    candidates[0] ?? 0,
  );
  stage.draw(best);
  await writeWhole(files.poster, await stage.canvas.encode("jpeg", POSTER_QUALITY));
}
