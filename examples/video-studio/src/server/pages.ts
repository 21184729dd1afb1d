import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import express, { Router } from "express";
import { PLAIN_PATH, SCRIPT_PATH } from "../shared/addresses.js";

const require = createRequire(import.meta.url);

/** Serves the built chat page and the plain page. The plain page uses the client package's script-tag build. */
export function pageRoutes(pageDir: string): Router {
  const router = Router();
  const clientDir = dirname(require.resolve("@emlinh/progress-client"));
  const revalidate = { cacheControl: false, headers: { "Cache-Control": "no-cache" } };

  router.get(PLAIN_PATH, (_req, res) => {
    res.sendFile("plain.html", { ...revalidate, root: pageDir });
  });
  router.get(SCRIPT_PATH, (_req, res) => {
    res.sendFile("progress.global.js", { ...revalidate, root: clientDir });
  });
  router.use(
    express.static(pageDir, {
      cacheControl: false,
      setHeaders(res, path) {
        // The names of the assets contain a hash of their content. The page names the assets that it needs.
        const isHashed = path.includes(`${sep}assets${sep}`);
        const forever = "public, max-age=31536000, immutable";
        res.setHeader("Cache-Control", isHashed ? forever : "no-cache");
      },
    }),
  );
  return router;
}
