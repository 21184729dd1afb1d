import { defineConfig } from "tsup";

// The studio's files are sources, so they are built into the programs. All other packages stay imports.
export default defineConfig({
  entry: { start: "src/start.ts", web: "src/web.ts", worker: "src/worker.ts" },
  format: "esm",
  platform: "node",
  target: "node20",
  noExternal: [/^@emlinh\/video-studio/],
  splitting: false,
  sourcemap: true,
  clean: true,
});
