import { VideoManager } from "@emlinh/progress-client";
import { CREATE_PATH, PROGRESS_PATH } from "../shared/addresses.js";
import { videoJob } from "../shared/video-job.js";
import { startChat } from "./chat.js";
import { createI18n } from "./i18n.js";
import { createOwnership } from "./ownership.js";
import { pageStorage } from "./safe-storage.js";

const storage = pageStorage();

const videos = new VideoManager({
  baseUrl: PROGRESS_PATH,
  createUrl: CREATE_PATH,
  definition: videoJob,
  // All tabs of this browser share the videos, so a new tab finds them.
  storage,
});

startChat(document.body, {
  videos,
  i18n: createI18n(storage),
  ownership: createOwnership(storage),
});
