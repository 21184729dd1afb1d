import type { JobEnded } from "./hooks.js";
import type { Settings } from "./options.js";

/** Counts an end that this process has written, and tells the app. */
export function jobEnded(
  { hooks, metrics }: Pick<Settings, "hooks" | "metrics">,
  job: JobEnded,
): void {
  metrics.endedJobs[job.status] += 1;
  hooks.onJobEnd?.(job);
}
