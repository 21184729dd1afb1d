import type { Authorize, Progress } from "@emlinh/progress-server";
import { isSubjectOf } from "../shared/session.js";
import type { VideoJob } from "../shared/video-job.js";
import { sessionOf } from "./session.js";

/**
 * Anyone who has a job's id may watch and cancel the job: the id can't be guessed, and a shared link shows the video.
 * Only its own session may list its videos and remove them. An app with users checks the user here.
 *
 * @param progress - Gives the jobs. It is called with requests only, so it may be created later.
 */
export function authorizeVideos(progress: () => Progress): Authorize {
  return async (request) => {
    const session = sessionOf(request.facts.header("cookie"));
    switch (request.action) {
      case "watch":
      case "cancel":
        return true;
      case "list":
        return session !== undefined && isSubjectOf(session, request.subject);
      case "remove": {
        const job = await progress().status<VideoJob>(request.jobId);
        return job === undefined || (session !== undefined && job.metadata.owner === session);
      }
      default:
        return false;
    }
  };
}
