import process from "node:process";
import { asVideoError } from "./errors.js";
import type { WorkerMessage, WorkerStart } from "./messages.js";
import { makeVideo } from "./pipeline.js";

// Each video has its own process, because speech and drawing block the thread and must not crash the server. The
// process leads a process group that includes the encoder, so the parent can kill both at once.

const controller = new AbortController();

// If the parent exits, nobody can cancel or use the result. The abort kills the encoder and removes the files.
process.once("disconnect", () => controller.abort());

process.once("message", (start: WorkerStart) => {
  makeVideo(start.request, { outDir: start.outDir, report: send, signal: controller.signal }).then(
    (result) => end({ type: "done", result }, 0),
    (thrown: unknown) => {
      const { code, message, details } = asVideoError(thrown);
      end({ type: "failed", code, message, details }, 1);
    },
  );
});

function send(message: WorkerMessage): void {
  // While the channel closes, a report has no reader. The event `disconnect` handles that.
  if (process.connected) process.send?.(message, () => undefined);
}

function end(message: WorkerMessage, exitCode: number): void {
  // The speech engine keeps handles open, so the process must exit explicitly, once the message is sent.
  if (process.connected) process.send?.(message, () => process.exit(exitCode));
  else process.exit(exitCode);
}
