import { defineConfig } from "tsup";

// The worker is an entry of its own: the server forks the built file. The speech engine and the canvas stay imports, so
// that the one keeps its licence apart and the other its native part.
export default defineConfig({
  entry: { main: "src/server/main.ts", worker: "src/pipeline/worker.ts" },
  format: "esm",
  platform: "node",
  target: "node20",
  splitting: false,
  sourcemap: true,
  clean: false,
});
