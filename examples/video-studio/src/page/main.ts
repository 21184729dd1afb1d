import { VideoManager } from "@emlinh/progress-client";
import { CREATE_PATH, PROGRESS_PATH } from "../shared/addresses.js";
import { videoJob } from "../shared/video-job.js";
import { startChat } from "./chat.js";
import { createSpeech } from "./language.js";
import { createOwnership } from "./ownership.js";
import { pageStorage } from "./safe-storage.js";

const videos = new VideoManager({
  baseUrl: PROGRESS_PATH,
  createUrl: CREATE_PATH,
  definition: videoJob,
});

const storage = pageStorage();

startChat(document.body, {
  videos,
  speech: createSpeech(storage),
  ownership: createOwnership(storage),
});
