import type { Label } from "./language.js";

/**
 * The steps of a video, in order. Each weight is the step's share of the time on two cores, in percent. `render` and
 * `encode` run at the same time, because each frame is encoded when it is drawn. The bar needs the weights at the first
 * video. The remaining time comes from earlier videos, as soon as there is one.
 */
export const VIDEO_PLAN = [
  { id: "script", title: { vi: "Viết kịch bản", en: "Write the script" }, weight: 2 },
  { id: "speech", title: { vi: "Thu giọng đọc", en: "Speak the script" }, weight: 13 },
  { id: "mouth", title: { vi: "Khớp khẩu hình", en: "Match the lips" }, weight: 5 },
  { id: "render", title: { vi: "Dựng khung hình", en: "Draw the frames" }, weight: 40 },
  { id: "encode", title: { vi: "Mã hóa video", en: "Encode the video" }, weight: 35 },
  { id: "finish", title: { vi: "Hoàn thiện", en: "Finish" }, weight: 5 },
] as const satisfies readonly {
  readonly id: string;
  readonly title: Label;
  readonly weight: number;
}[];

/** The id of a step of the {@link VIDEO_PLAN}. */
export type VideoStepId = (typeof VIDEO_PLAN)[number]["id"];
