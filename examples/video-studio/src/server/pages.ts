import { createRequire } from "node:module";
import { basename, dirname, sep } from "node:path";
import express, { Router } from "express";
import { PLAIN_PATH, SCRIPT_PATH } from "../shared/addresses.js";

const require = createRequire(import.meta.url);

/** Serves the built chat page, and the plain one, whose client is the package's own script-tag build. */
export function pageRoutes(pageDir: string): Router {
  const router = Router();
  const script = require.resolve("@emlinh/progress-client/script");
  const revalidate = { cacheControl: false, headers: { "Cache-Control": "no-cache" } };

  router.get(PLAIN_PATH, (_req, res) => {
    res.sendFile("plain.html", { ...revalidate, root: pageDir });
  });
  router.get(SCRIPT_PATH, (_req, res) => {
    res.sendFile(basename(script), { ...revalidate, root: dirname(script) });
  });
  router.use(
    express.static(pageDir, {
      cacheControl: false,
      setHeaders(res, path) {
        // The names of the assets change with what is in them; the page, whose name stays, tells which ones it needs.
        const isNamedByContent = path.includes(`${sep}assets${sep}`);
        const forEver = "public, max-age=31536000, immutable";
        res.setHeader("Cache-Control", isNamedByContent ? forEver : "no-cache");
      },
    }),
  );
  return router;
}
