"use server";

import { redirect } from "next/navigation";
import { estimatePi } from "../lib/estimate-pi";
import { piJob } from "../lib/pi-job";
import { progress } from "../lib/progress";

export async function startEstimate(form: FormData): Promise<void> {
  const batches = Math.min(Math.max(Number(form.get("batches")) || 1, 1), 100_000);
  const job = await progress.create({ definition: piJob });
  // The action does not wait for the work.
  progress.run(job, (reporter) => estimatePi(reporter, batches)).catch(console.error);
  redirect(`/jobs/${job.id}`);
}
