import { setImmediate } from "node:timers/promises";
import { cancelledError } from "./errors.js";
import type { Report, StepProgress } from "./messages.js";
import type { VideoStepId } from "./plan.js";

/** Reports the steps of a job and stops it between them. */
export interface StepClock {
  start(step: VideoStepId): void;
  /** Reports at most about ten times a second per step, and always the last one. */
  progress(step: VideoStepId, progress: StepProgress): void;
  finish(step: VideoStepId): void;
  /** A step from start to finish. */
  run<T>(step: VideoStepId, work: () => Promise<T>): Promise<T>;
  /** Lets waiting events in, such as a cancel. @throws VideoError `cancelled` */
  breathe(): Promise<void>;
}

const INTERVAL_MS = 100;

/** Keeps the time of each step. */
export function stepClock(report: Report, signal: AbortSignal): StepClock {
  const startedAt = new Map<VideoStepId, number>();
  const reportedAt = new Map<VideoStepId, number>();

  const clock: StepClock = {
    start(step) {
      startedAt.set(step, performance.now());
      report({ type: "step-started", step });
    },
    progress(step, progress) {
      const now = performance.now();
      const isDue = now - (reportedAt.get(step) ?? -Infinity) >= INTERVAL_MS;
      if (!isDue && progress.done < progress.total) return;
      reportedAt.set(step, now);
      report({ type: "step-progress", step, progress });
    },
    finish(step) {
      const durationMs = Math.round(performance.now() - (startedAt.get(step) ?? performance.now()));
      report({ type: "step-finished", step, durationMs });
    },
    async run(step, work) {
      await clock.breathe();
      clock.start(step);
      const result = await work();
      clock.finish(step);
      return result;
    },
    async breathe() {
      await setImmediate();
      if (signal.aborted) throw cancelledError();
    },
  };
  return clock;
}
