import { VideoManager } from "@emlinh/progress-client";
import { shareTabs } from "@emlinh/progress-client/tabs";
import { CREATE_PATH, PROGRESS_PATH } from "../shared/addresses.js";
import { videoJob } from "../shared/video-job.js";
import { startChat } from "./chat.js";
import { createI18n } from "./i18n.js";
import { pageStorage } from "./safe-storage.js";
import { createYourVideos } from "./your-videos.js";

// One connection for everything that all tabs show. They have the same session, because they have the same cookie.
const tabs = shareTabs({ key: "studio" });

const videos = new VideoManager({
  baseUrl: PROGRESS_PATH,
  createUrl: CREATE_PATH,
  definition: videoJob,
  tabs,
  // The address names the videos of this tab, and the server knows all others.
  storage: false,
});

startChat(document.body, {
  videos,
  yours: createYourVideos(tabs),
  i18n: createI18n(pageStorage()),
});
