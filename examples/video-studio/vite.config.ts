import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { defineConfig, type Plugin } from "vite";

const PLAIN = join(import.meta.dirname, "src/plain");

/** Puts the page that needs no bundler beside the built one, as it is. */
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

/** The chat page. `vite build` puts it where the server serves it from; `vite` alone serves it with a running server behind it. */
export default defineConfig({
  root: "src/page",
  plugins: [plainPage()],
  build: {
    outDir: "../../dist/page",
    emptyOutDir: true,
    target: "es2023",
    // The page's policy allows nothing inline: no data: addresses, no polyfill script.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": process.env.STUDIO_URL ?? "http://localhost:3000" } },
});
