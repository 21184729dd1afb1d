import type { Language } from "./language.js";
import type { Voice } from "./voices.js";

/** The log lines of a video, in the language of the video. */
export interface LogLines {
  begun(scenes: number, encoderVersion: string): string;
  otherVoice(asked: Voice, used: Voice): string;
  leftOut(scenes: number): string;
}

const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;

/** The number of a version without the package's own suffix: 5.1.9 of 5.1.9-0+deb12u1. */
const short = (version: string): string => /^\d+(\.\d+)*/u.exec(version)?.[0] ?? version;

const LINES: { readonly [In in Language]: LogLines } = {
  vi: {
    begun: (scenes, version) =>
      `Kịch bản có ${scenes} cảnh. ffmpeg ${short(version)} mã hóa video.`,
    otherVoice: (asked, used) =>
      `Giọng “${asked.label.vi}” không nói tiếng này nên dùng giọng “${used.label.vi}”`,
    leftOut: (scenes) => `Bỏ bớt ${scenes} cảnh vì video sẽ quá dài`,
  },
  en: {
    begun: (scenes, version) =>
      `The script has ${count(scenes, "scene")}. ffmpeg ${short(version)} encodes the video.`,
    otherVoice: (asked, used) =>
      `The voice “${asked.label.en}” does not speak this language, so “${used.label.en}” does`,
    leftOut: (scenes) => `Left out ${count(scenes, "scene")}: the video would be too long`,
  },
};

/** The log lines in one language. */
export function logLines(language: Language): LogLines {
  return LINES[language];
}
