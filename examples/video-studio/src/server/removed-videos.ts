import { isProgressError, type JobState, type Progress } from "@emlinh/progress-server";
import { type Request, type RequestHandler, Router } from "express";
import { isSubjectOf } from "../shared/session.js";
import { sessionOf } from "./session.js";
import type { VideoFiles } from "./video-files.js";

/** The most jobs that a list has at a time. */
const MAX_LISTED = 100;

/**
 * Removes each completed job whose video was deleted, before its readers are answered. So no page shows a player for a
 * video that does not exist.
 */
export function removeJobsWithoutVideo(progress: Progress, files: VideoFiles): Router {
  const router = Router();

  async function check(job: JobState | undefined): Promise<void> {
    if (job?.status === "completed" && !(await files.has(job.id))) await progress.remove(job.id);
  }

  async function checkMany(req: Request): Promise<void> {
    const { searchParams } = new URL(req.url, "http://studio");
    const session = sessionOf(req.get("cookie")) ?? "";
    // A query may name the same list hundreds of times.
    for (const subject of new Set(searchParams.getAll("subject"))) {
      if (!isSubjectOf(session, subject)) continue;
      const { jobs } = await progress.list({ subject, limit: MAX_LISTED });
      for (const job of jobs) await check(job);
    }
    const jobIds = searchParams.getAll("job").map((target) => target.split("@")[0] ?? "");
    for (const jobId of new Set(jobIds)) await check(await progress.status(jobId));
  }

  router.get("/", async (req, _res, next) => {
    await unlessRefused(checkMany(req));
    next();
  });
  router.get(["/:jobId", "/:jobId/status"], async (req, _res, next) => {
    await unlessRefused(progress.status(String(req.params.jobId)).then(check));
    next();
  });
  return router;
}

/** The progress handler reads the same jobs, and answers the errors of the store and of invalid ids. */
async function unlessRefused(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!isProgressError(error)) throw error;
  }
}

/**
 * Removes the files of each job that a request has removed. If this process dies before that, they are removed when the
 * next video is made.
 *
 * @param onNotice - Called with the message of an error, for the operator.
 */
export function removeFilesAfterwards(
  files: Pick<VideoFiles, "remove">,
  onNotice: (notice: string) => void,
): RequestHandler {
  return (req, res, next) => {
    const jobId = req.path.slice(1);
    res.on("finish", () => {
      if (req.method !== "DELETE" || res.statusCode >= 300) return;
      files.remove(jobId).catch((error: unknown) => onNotice(String(error)));
    });
    next();
  };
}
