import { isProgressError, type Progress } from "@emlinh/progress-server";
import { type RequestHandler, Router } from "express";
import { isSubjectOf } from "../shared/session.js";
import { sessionOf } from "./session.js";
import type { VideoFiles } from "./video-files.js";

/**
 * Removes each completed job whose video was deleted, before its readers are answered. So no page shows a player for a
 * video that does not exist.
 */
export function removeJobsWithoutVideo(progress: Progress, files: VideoFiles): Router {
  const router = Router();

  async function check(jobId: string): Promise<void> {
    const job = await progress.status(jobId);
    if (job?.status === "completed" && !(await files.has(jobId))) await progress.remove(jobId);
  }

  router.get("/", async (req, _res, next) => {
    const { searchParams } = new URL(req.url, "http://studio");
    const session = sessionOf(req.get("cookie")) ?? "";
    const subjects = searchParams.getAll("subject").filter((it) => isSubjectOf(session, it));
    await unlessRefused(async () => {
      const jobs = searchParams.getAll("job").map((target) => target.split("@")[0] ?? "");
      for (const subject of subjects) jobs.push(...(await listed(progress, subject)));
      for (const jobId of new Set(jobs)) await check(jobId);
    });
    next();
  });
  router.get(["/:jobId", "/:jobId/status"], async (req, _res, next) => {
    await unlessRefused(() => check(String(req.params.jobId)));
    next();
  });
  return router;
}

async function listed(progress: Progress, subject: string): Promise<readonly string[]> {
  const { jobs } = await progress.list({ subject, limit: 100 });
  return jobs.map(({ id }) => id);
}

/** The progress handler reads the same jobs, and answers the errors of the store and of invalid ids. */
async function unlessRefused(work: () => Promise<void>): Promise<void> {
  try {
    await work();
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
