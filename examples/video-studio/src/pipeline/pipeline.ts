import { rm, stat } from "node:fs/promises";
import { asVideoError, cancelledError, VideoError } from "./errors.js";
import { espeakSpeaker } from "./espeak-speaker.js";
import { type Ffmpeg, locateFfmpeg } from "./ffmpeg-locate.js";
import { type JobFiles, jobFiles, removeJobFiles, writeAtomically } from "./files.js";
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
import { findVoice, type Voice, type VoiceId, voiceFor } from "./voices.js";
import { encodeWav } from "./wav.js";

/** Frames per second of the video. */
const FPS = 25;
/**
 * A text is spoken completely, so it may be a little longer than the longest duration. No line begins after this time.
 */
const MAX_SPEECH_MS = (LIMITS.maxSeconds + 5) * 1000;
const POSTER_QUALITY = 86;

/** Options of {@link makeVideo}. */
export interface MakeVideoOptions {
  /** Absolute path of an existing directory that only this job uses. */
  readonly outDir: string;
  readonly report: Report;
  /** Aborting it cancels the work: the encoder is killed, and all files of the job are removed. */
  readonly signal: AbortSignal;
  /** @defaultValue {@link templateWriter} */
  readonly writer?: ScriptWriter;
  /** @defaultValue {@link espeakSpeaker} */
  readonly speaker?: () => Promise<Speaker>;
}

/**
 * Makes the video. Resolves when `final.mp4` and `poster.jpg` are complete. Until then no file has these names.
 *
 * @throws only {@link VideoError}. Then no file of the job is left.
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
  const steps = stepClock(options.report, options.signal);
  const context: StepContext = { ...options, files, steps };
  const requestedVoice = findRequestedVoice(request);
  await steps.checkpoint();
  // Before the first step, because no step is at fault if there is no encoder.
  const ffmpeg = await locateFfmpeg();
  const storyboard = await writeScript(request, context);
  const voice = voiceFor(storyboard.language, requestedVoice);
  reportScript({ storyboard, ffmpeg, voice, requestedVoice }, context);

  const speech = await steps.run("speech", () =>
    speak(storyboard, voice.id as VoiceId, request, context),
  );
  const mouths = await steps.run("mouth", async () => shapeMouths(speech, steps));
  const frames = mouths.length;
  options.report({ type: "meta", meta: { durationMs: speech.durationMs, frames } });

  const { background, composition } = request;
  const stage = createStage({
    ...{ storyboard, speech, voice: mouths, fps: FPS, background, composition },
  });
  await renderVideo({ ...context, stage, frames, fps: FPS, ffmpeg });
  await steps.run("finish", () => finish(stage, frames, context));

  const { size } = await stat(files.video);
  const { language, title } = storyboard;
  return {
    ...{ file: files.video, poster: files.poster, durationMs: speech.durationMs, bytes: size },
    ...{ language, title, width: WIDTH, height: HEIGHT, frames },
  };
}

interface StepContext extends MakeVideoOptions {
  readonly files: JobFiles;
  readonly steps: StepClock;
}

/** The script and the parts with which it becomes a video. */
interface Script {
  readonly ffmpeg: Ffmpeg;
  readonly storyboard: Storyboard;
  readonly voice: Voice;
  readonly requestedVoice: Voice | undefined;
}

function findRequestedVoice({ voice }: VideoRequest): Voice | undefined {
  if (voice === undefined) return undefined;
  const found = findVoice(voice);
  if (found === undefined)
    throw new VideoError("unknown-voice", "The voice is not one of the voices offered.");
  return found;
}

function writeScript(
  request: VideoRequest,
  { steps, signal, writer = templateWriter() }: StepContext,
): Promise<Storyboard> {
  return steps.run("script", () => writer.write(request, signal));
}

function reportScript(
  { storyboard, ffmpeg, voice, requestedVoice }: Script,
  { report }: StepContext,
): void {
  const { title, language } = storyboard;
  const scenes = storyboard.scenes.map((scene) => scene.label);
  report({ type: "meta", meta: { title, language, scenes, voice: voice.id } });
  const lines = logLines(language);
  report({ type: "log", line: lines.begun(scenes.length, ffmpeg.version) });
  if (requestedVoice !== undefined && requestedVoice.id !== voice.id)
    report({ type: "log", line: lines.otherVoice(requestedVoice, voice) });
}

async function finish(stage: Stage, frames: number, { files, steps }: StepContext): Promise<void> {
  steps.progress("finish", { done: 0, total: 2, unit: "files" });
  await writePoster(stage, frames, files);
  steps.progress("finish", { done: 1, total: 2, unit: "files" });
  await rm(files.speech, { force: true });
  steps.progress("finish", { done: 2, total: 2, unit: "files" });
}

async function speak(
  storyboard: Storyboard,
  voice: VoiceId,
  request: VideoRequest,
  context: StepContext,
): Promise<Speech> {
  const { steps, report } = context;
  const speaker = await (context.speaker ?? espeakSpeaker)();
  const speech = await speakStoryboard(storyboard, {
    speaker,
    voice,
    pace: paceFor(storyboard, request.duration * 1000),
    requestedSeconds: request.duration,
    maxMs: MAX_SPEECH_MS,
    onScene: async (done, total) => {
      steps.progress("speech", { done, total, unit: "scenes" });
      await steps.checkpoint();
    },
  });
  if (speech.droppedScenes > 0)
    report({ type: "log", line: logLines(storyboard.language).leftOut(speech.droppedScenes) });
  await writeAtomically(context.files.speech, encodeWav(speech.samples, speech.sampleRate));
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

/** Writes the poster: the best frame of the first two thirds. */
async function writePoster(stage: Stage, frames: number, files: JobFiles): Promise<void> {
  const candidates = Array.from({ length: Math.ceil(frames * 0.66) }, (_, frame) => frame).filter(
    (frame) => frame >= 20 || frames < 40,
  );
  const best = candidates.reduce(
    (known, frame) => (stage.rate(frame) > stage.rate(known) ? frame : known),
    candidates[0] ?? 0,
  );
  stage.draw(best);
  await writeAtomically(files.poster, await stage.canvas.encode("jpeg", POSTER_QUALITY));
}
