import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const PLAIN = join(import.meta.dirname, "src/plain");

/** Copies the page that needs no bundler into the folder of the built page. */
function plainPage(): Plugin {
  return {
    name: "plain-page",
    apply: "build",
    async generateBundle() {
      for (const fileName of await readdir(PLAIN))
        this.emitFile({ type: "asset", fileName, source: await readFile(join(PLAIN, fileName)) });
    },
  };
}

/**
 * The chat page. `vite build` builds it into the folder that the server serves. `vite` serves it itself, and forwards
 * requests to a running server.
 */
export default defineConfig({
  root: "src/page",
  plugins: [plainPage()],
  build: {
    outDir: "../../dist/page",
    emptyOutDir: true,
    target: "es2023",
    // The page's security policy allows no data: addresses and no inline polyfill script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": process.env.STUDIO_URL ?? "http://localhost:3000" } },
});
