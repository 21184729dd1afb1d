import process from "node:process";
import { notice, runMain } from "./main.js";
import { startVideoWorker } from "./worker/video-worker.js";

await runMain(async (settings) => {
  const worker = await startVideoWorker(settings, notice);
  return { line: `Worker ${process.pid}: waiting for videos`, ready: {}, close: worker.close };
});
