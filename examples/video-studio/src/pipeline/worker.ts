import process from "node:process";
import { asVideoError } from "./errors.js";
import type { WorkerMessage, WorkerStart } from "./messages.js";
import { makeVideo } from "./pipeline.js";

// One process for one video: speech blocks its thread, drawing keeps it busy, and a crash of either must not reach the
// server. The parent starts it as the leader of a process group, which the encoder joins, and can kill all of it at once.

const controller = new AbortController();

// A parent that is gone can neither cancel nor take the result. The abort kills the encoder and removes the files.
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
  // While the channel closes a report has no reader; the event `disconnect` does what is to be done.
  if (process.connected) process.send?.(message, () => undefined);
}

function end(message: WorkerMessage, exitCode: number): void {
  // The engine keeps handles open, so the process has to be told; and not before the message is out.
  if (process.connected) process.send?.(message, () => process.exit(exitCode));
  else process.exit(exitCode);
}
