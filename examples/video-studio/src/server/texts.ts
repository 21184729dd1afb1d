import type { Request } from "express";
import { detectLanguage, type Language } from "../pipeline/language.js";
import { BACKGROUNDS, COMPOSITIONS } from "../pipeline/looks.js";
import { LIMITS } from "../pipeline/request.js";

/** The fields of a request to create a video that can be invalid. */
export type CreateField =
  | "topic"
  | "duration"
  | "composition"
  | "background"
  | "voice"
  | "batch"
  | "session_id"
  | "idempotency_key";

/** The reasons for a failure that are shown to users. */
export type FailureCode =
  | "speech-failed"
  | "ffmpeg-missing"
  | "ffmpeg-failed"
  | "incomplete-video"
  | "worker-died"
  | "worker-silent"
  | "server-stopped"
  | "internal";

/** The server's texts for users, in one language. */
export interface Texts {
  readonly title: string;
  readonly accepted: string;
  readonly known: string;
  /** Position 1 is next. */
  readonly waiting: (position: number) => string;
  readonly cancelled: string;
  readonly fields: Readonly<Record<CreateField, string>>;
  readonly notJson: string;
  readonly tooLarge: string;
  readonly queueFull: string;
  readonly stopping: string;
  readonly notFound: string;
  readonly badRequest: string;
  readonly failures: Readonly<Record<FailureCode, string>>;
}

const { maxTextChars, minSeconds, maxSeconds } = LIMITS;
const idsOf = (choices: readonly { readonly id: string }[]): string =>
  choices.map(({ id }) => id).join(", ");

const en: Texts = {
  title: "The request was refused",
  accepted: "Your video is being made.",
  known: "This video was already requested.",
  waiting: (position) =>
    position === 1 ? "Your video is next." : `Your video is number ${position} in the queue.`,
  cancelled: "The video was cancelled.",
  fields: {
    topic: `Describe the video in 1 to ${maxTextChars} characters.`,
    duration: `The duration must be a number of seconds from ${minSeconds} to ${maxSeconds}.`,
    composition: `The composition must be one of: ${idsOf(COMPOSITIONS)}.`,
    background: `The background must be one of: ${idsOf(BACKGROUNDS)}.`,
    voice: "There is no such voice. Choose another one.",
    batch: "The batch must have 1 to 64 letters, digits, hyphens and underscores.",
    session_id: "The session id must be a string of 1 to 128 characters.",
    idempotency_key: "The idempotency key must have 1 to 200 characters.",
  },
  notJson: "Send a JSON object, with the content type application/json.",
  tooLarge: "The request is too large.",
  queueFull: "Too many videos are waiting. Try again in a moment.",
  stopping: "The studio is closing. Try again in a moment.",
  notFound: "There is nothing here.",
  badRequest: "The request could not be understood.",
  failures: {
    "speech-failed": "The speech for this text could not be generated.",
    "ffmpeg-missing":
      "The server has no ffmpeg. Install it, or set FFMPEG_PATH to its path, then try again.",
    "ffmpeg-failed": "The video encoder stopped with an error.",
    "incomplete-video": "Frames were missing from the video, so it was discarded.",
    "worker-died": "Making the video stopped unexpectedly. Try again.",
    "worker-silent": "Nothing happened for too long, so making the video was ended. Try again.",
    "server-stopped": "The studio was stopped before the video was made. Try again.",
    internal: "Something unexpected went wrong.",
  },
};

const vi: Texts = {
  title: "Yêu cầu bị từ chối",
  accepted: "Video của bạn đang được tạo.",
  known: "Video này đã được yêu cầu rồi.",
  waiting: (position) =>
    position === 1
      ? "Video của bạn là video tiếp theo."
      : `Video của bạn đứng thứ ${position} trong hàng chờ.`,
  cancelled: "Video đã bị hủy.",
  fields: {
    topic: `Hãy viết nội dung video, từ 1 đến ${maxTextChars} ký tự.`,
    duration: `Thời lượng là số giây từ ${minSeconds} đến ${maxSeconds}.`,
    composition: `Bố cục phải là một trong: ${idsOf(COMPOSITIONS)}.`,
    background: `Nền phải là một trong: ${idsOf(BACKGROUNDS)}.`,
    voice: "Không có giọng đọc này. Hãy chọn giọng khác.",
    batch: "Mã nhóm có từ 1 đến 64 chữ cái, chữ số, gạch nối và gạch dưới.",
    session_id: "Mã phiên là văn bản từ 1 đến 128 ký tự.",
    idempotency_key: "Khóa chống trùng có từ 1 đến 200 ký tự.",
  },
  notJson: "Hãy gửi một đối tượng JSON với kiểu nội dung application/json.",
  tooLarge: "Yêu cầu quá lớn.",
  queueFull: "Có quá nhiều video đang chờ. Hãy thử lại sau giây lát.",
  stopping: "Xưởng phim đang đóng cửa. Hãy thử lại sau giây lát.",
  notFound: "Không có gì ở đây.",
  badRequest: "Không hiểu được yêu cầu.",
  failures: {
    "speech-failed": "Không tạo được giọng đọc cho văn bản này.",
    "ffmpeg-missing":
      "Máy chủ không có ffmpeg. Hãy cài đặt, hoặc đặt FFMPEG_PATH, rồi yêu cầu lại.",
    "ffmpeg-failed": "Bộ mã hóa video dừng vì lỗi.",
    "incomplete-video": "Video bị thiếu khung hình nên đã bị bỏ.",
    "worker-died": "Việc làm video đã dừng đột ngột. Hãy yêu cầu lại video.",
    "worker-silent":
      "Quá lâu không có gì xảy ra nên việc làm video đã bị dừng. Hãy yêu cầu lại video.",
    "server-stopped": "Xưởng phim đã dừng trước khi video xong. Hãy yêu cầu lại.",
    internal: "Đã xảy ra lỗi ngoài dự kiến.",
  },
};

/** The server's texts by language. */
export const TEXTS: Readonly<Record<Language, Texts>> = { en, vi };

/** The language of the answer: that of a topic in Latin letters, else the browser's preferred language. */
export function languageFor(req: Request): Language {
  const { topic } = (req.body ?? {}) as { readonly topic?: unknown };
  if (typeof topic === "string" && /\p{Script=Latin}/u.test(topic)) return detectLanguage(topic);
  return req.acceptsLanguages("en", "vi") === "vi" ? "vi" : "en";
}

/** Whether a code is shown to users. */
export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(en.failures, code);
}
