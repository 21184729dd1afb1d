import { defineConfig } from "tsup";

// What is taken over from the studio comes as sources, so it is built in; all other packages stay imports.
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
