import process from "node:process";
import { notice, runMain } from "./main.js";
import { startQueueWorker } from "./worker/queue-worker.js";

await runMain(async (settings) => {
  const worker = await startQueueWorker(settings, notice);
  return { line: `Worker ${process.pid}: waiting for videos`, ready: {}, close: worker.close };
});
