"use client";

import { isTerminal, type JobState, watchJob } from "@emlinh/progress-client";
import { useState, useSyncExternalStore } from "react";
import { type PiJob, piJob } from "../../../lib/pi-job";

/** Shows a job: first as the server has rendered it, then as it changes. */
export function JobView({ initial }: { initial: JobState<PiJob> }) {
  const [watch] = useState(() =>
    watchJob(initial.id, { baseUrl: "/api/progress", definition: piJob, initial }),
  );
  const { job = initial, connection } = useSyncExternalStore(
    watch.subscribe,
    watch.getSnapshot,
    watch.getServerSnapshot,
  );
  return (
    <>
      <progress max={100} value={job.percent ?? 0} aria-label="Progress" />
      <p role="status">{textOf(job)}</p>
      {connection.attempt > 0 && <p>The connection is lost. Trying again …</p>}
      <button type="button" disabled={isTerminal(job.status)} onClick={() => void watch.cancel()}>
        Cancel
      </button>
    </>
  );
}

function textOf(job: JobState<PiJob>): string {
  if (job.status === "completed") return `Pi is about ${job.result.pi.toFixed(5)}.`;
  if (job.status === "running") return `Sampling … ${Math.floor(job.percent ?? 0)} %`;
  return job.error?.message ?? job.status;
}
