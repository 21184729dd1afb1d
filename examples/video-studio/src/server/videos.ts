import { basename } from "node:path";
import { type Request, type Response, Router } from "express";
import { type JobFiles, jobFiles } from "../pipeline/files.js";
import { sendProblem } from "./problem.js";
import { languageFor, TEXTS } from "./texts.js";
import type { VideoFiles } from "./video-files.js";

interface Kind {
  readonly file: keyof JobFiles;
  readonly cacheControl: string;
}

// A finished video never changes. Only users who have its address may see it, so shared caches must not store it.
const FOREVER = "private, max-age=31536000, immutable";

const KINDS: Readonly<Record<string, Kind>> = {
  file: { file: "video", cacheControl: FOREVER },
  poster: { file: "poster", cacheControl: FOREVER },
  // One file has many addresses: a later request reads another frame.
  preview: { file: "preview", cacheControl: "no-store" },
};

/**
 * Serves `/:id/file`, `/:id/poster` and `/:id/preview`. Express answers ranges, HEAD and conditional requests.
 */
export function videoRoutes(files: Pick<VideoFiles, "directoryOf">): Router {
  const router = Router();
  router.get("/:id/:kind", (req, res, next) => {
    const { id, kind } = req.params;
    const directory = files.directoryOf(id);
    const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
    if (directory === undefined || known === undefined) return sendNotFound(req, res);
    // The path is relative to `root`, because Express refuses a dot in the path, and the data directory may have one.
    const name = basename(jobFiles(directory)[known.file]);
    const headers = { "Cache-Control": known.cacheControl };
    res.sendFile(name, { root: directory, cacheControl: false, headers }, (error) => {
      if (!error) return;
      // A user who seeks in the video or leaves the page aborts the transfer. Then there is nobody to answer.
      if (res.headersSent || res.destroyed) return;
      next(error);
    });
  });
  return router;
}

function sendNotFound(req: Request, res: Response): void {
  const { notFound, title } = TEXTS[languageFor(req)];
  sendProblem(res, { status: 404, code: "not-found", title, detail: notFound });
}
