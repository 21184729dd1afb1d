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

// A finished video never changes. It is for who knows its address, so no cache that many share may keep it.
const FOR_EVER = "private, max-age=31536000, immutable";

const KINDS: Readonly<Record<string, Kind>> = {
  file: { file: "video", cacheControl: FOR_EVER },
  poster: { file: "poster", cacheControl: FOR_EVER },
  // One file behind many addresses: what is read later is another frame.
  preview: { file: "preview", cacheControl: "no-store" },
};

/** Serves what was made: `/:id/file`, `/:id/poster`, `/:id/preview`. Ranges, HEAD and conditional requests are Express's work. */
export function videoRoutes(files: Pick<VideoFiles, "directoryOf">): Router {
  const router = Router();
  router.get("/:id/:kind", (req, res, next) => {
    const { id, kind } = req.params;
    const directory = files.directoryOf(id);
    const known = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
    if (directory === undefined || known === undefined) return sendNotFound(req, res);
    // Named relative to its directory: a data directory whose own path has a dot in it is nobody's secret.
    const name = basename(jobFiles(directory)[known.file]);
    const headers = { "Cache-Control": known.cacheControl };
    res.sendFile(name, { root: directory, cacheControl: false, headers }, (error) => {
      if (!error) return;
      // Who skips in a video or leaves the page breaks the transfer off: nobody is there to be answered.
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
