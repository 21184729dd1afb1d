import type { Language } from "@emlinh/video-studio/src/pipeline/language.js";
import type { RequeueMessages } from "./bullmq/bridge.js";

/** Why a video waits again, in the language of the video. All other texts are the studio's. */
export const REQUEUE_MESSAGES: Readonly<Record<Language, RequeueMessages>> = {
  en: {
    stalled: "The worker stopped answering. The video is back in the queue.",
    handedOver: "The worker is closing. Another one will make the video.",
    again: "This attempt failed. The video will be tried again.",
  },
  vi: {
    stalled: "Máy dựng phim không còn trả lời. Video trở lại hàng chờ.",
    handedOver: "Máy dựng phim đang đóng. Máy khác sẽ làm video này.",
    again: "Lần thử này không thành. Video sẽ được thử lại.",
  },
};
