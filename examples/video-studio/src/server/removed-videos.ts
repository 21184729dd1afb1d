import { isProgressError, type Progress } from "@emlinh/progress-server";
import { Router } from "express";
import type { VideoFiles } from "./video-files.js";

/**
 * Removes a completed job whose video was deleted, before its readers are answered. So no page shows a player for a
 * video that does not exist.
 */
export function removeJobsWithoutVideo(progress: Progress, files: VideoFiles): Router {
  const router = Router();
  router.get(["/:jobId", "/:jobId/status"], async (req, _res, next) => {
    const jobId = String(req.params.jobId);
    try {
      const job = await progress.status(jobId);
      if (job?.status === "completed" && !(await files.has(jobId))) await progress.remove(jobId);
    } catch (error) {
      // The progress handler reads the job too, and answers the error of the store.
      if (!isProgressError(error)) throw error;
    }
    next();
  });
  return router;
}
