import { setImmediate } from "node:timers/promises";
import { cancelledError } from "./errors.js";
import type { Report, StepProgress } from "./messages.js";
import type { VideoStepId } from "./plan.js";

/** Reports the steps of a video with their durations, and stops the work between them after a cancel. */
export interface StepClock {
  start(step: VideoStepId): void;
  /** Sends at most about ten reports a second per step. The last one is always sent. */
  progress(step: VideoStepId, progress: StepProgress): void;
  finish(step: VideoStepId): void;
  /** Runs a step, and reports its start and its finish. */
  run<T>(step: VideoStepId, work: () => Promise<T>): Promise<T>;
  /** Lets pending events run, such as a cancel. @throws VideoError `cancelled` */
  checkpoint(): Promise<void>;
}

const INTERVAL_MS = 100;

/** Creates a clock on which no step has started. */
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
      await clock.checkpoint();
      clock.start(step);
      const result = await work();
      clock.finish(step);
      return result;
    },
    async checkpoint() {
      await setImmediate();
      if (signal.aborted) throw cancelledError();
    },
  };
  return clock;
}
