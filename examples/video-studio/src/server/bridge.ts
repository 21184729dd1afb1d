import type { Reporter, StepReporter } from "@emlinh/progress-server";
import type { VideoReport } from "../pipeline/messages.js";
import type { VideoStepId } from "../pipeline/plan.js";
import { addressesOf } from "../shared/addresses.js";
import type { VideoJob } from "../shared/video-job.js";

/** Returns a function that passes the worker's reports on to the job. The function never throws. */
export function bridgeTo(job: Reporter<VideoJob>): (report: VideoReport) => void {
  const { preview } = addressesOf(job.id);
  const steps = new Map<VideoStepId, StepReporter>();

  return (report) => {
    switch (report.type) {
      case "step-started":
        steps.set(report.step, job.beginStep(report.step));
        break;
      case "step-progress":
        steps.get(report.step)?.update(report.progress);
        break;
      case "step-finished":
        steps.get(report.step)?.complete();
        break;
      case "log":
        job.log(report.line, { level: report.line.startsWith("ffmpeg:") ? "warn" : "info" });
        break;
      case "preview":
        job.update({ metadata: { previewUrl: preview(report.frame) } });
        break;
      case "meta": {
        // The voice in the metadata stays the requested one, because a user who tries again requests it again.
        const { title, scenes } = report.meta;
        job.update({ metadata: { ...(title && { title }), ...(scenes && { scenes }) } });
        break;
      }
    }
  };
}
