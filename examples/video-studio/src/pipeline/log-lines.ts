import type { Language } from "./language.js";

/** The log lines of a video, in the language of the video. */
export interface LogLines {
  begun(scenes: number, encoderVersion: string): string;
  otherVoice(asked: string, used: string): string;
  leftOut(scenes: number): string;
}

const count = (n: number, one: string): string => `${n} ${one}${n === 1 ? "" : "s"}`;

const LINES: { readonly [In in Language]: LogLines } = {
  vi: {
    begun: (scenes, version) => `Kịch bản có ${scenes} cảnh; mã hóa bằng ffmpeg ${version}`,
    otherVoice: (asked, used) => `Giọng ${asked} không nói tiếng này nên dùng giọng ${used}`,
    leftOut: (scenes) => `Bỏ bớt ${scenes} cảnh vì video sẽ quá dài`,
  },
  en: {
    begun: (scenes, version) =>
      `The script has ${count(scenes, "scene")}; ffmpeg ${version} encodes`,
    otherVoice: (asked, used) => `The voice ${asked} does not speak this language; ${used} does`,
    leftOut: (scenes) => `Left out ${count(scenes, "scene")}: the video would be too long`,
  },
};

/** The log lines in one language. */
export function logLines(language: Language): LogLines {
  return LINES[language];
}
