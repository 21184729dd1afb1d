import { defineConfig } from "tsup";

// The worker is a separate entry, because the server forks the built file. The speech engine and the canvas stay
// imports: the engine has another licence, and the canvas has a native part.
export default defineConfig({
  entry: { main: "src/server/main.ts", worker: "src/pipeline/worker.ts" },
  format: "esm",
  platform: "node",
  target: "node20",
  splitting: false,
  sourcemap: true,
  clean: false,
});
