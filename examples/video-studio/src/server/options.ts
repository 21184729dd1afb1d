import type { RequestHandler } from "express";
import { BACKGROUNDS, COMPOSITIONS } from "../pipeline/looks.js";
import { LIMITS } from "../pipeline/request.js";
import { VOICES } from "../pipeline/voices.js";
import type { VideoOptions } from "../shared/create-video.js";

const OPTIONS: VideoOptions = {
  voices: VOICES,
  compositions: COMPOSITIONS,
  backgrounds: BACKGROUNDS,
  limits: {
    topicLength: LIMITS.maxTextChars,
    minDuration: LIMITS.minSeconds,
    maxDuration: LIMITS.maxSeconds,
    defaultDuration: LIMITS.defaultSeconds,
  },
};

/** Answers with the options of a video and their limits. */
export function sendOptions(): RequestHandler {
  return (_req, res) => {
    res.set("Cache-Control", "no-cache").json(OPTIONS);
  };
}
