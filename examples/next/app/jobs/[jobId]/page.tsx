import Link from "next/link";
import { notFound } from "next/navigation";
import type { PiJob } from "../../../lib/pi-job";
import { progress } from "../../../lib/progress";
import { JobView } from "./job-view";

export default async function Page({ params }: { params: Promise<{ jobId: string }> }) {
  const { jobId } = await params;
  const job = await progress.status<PiJob>(jobId);
  if (!job) notFound();
  const { cursor: _, ...initial } = job;
  return (
    <main>
      <h1>Estimate pi</h1>
      <JobView initial={initial} />
      <p>
        <Link href="/">Another one</Link>
      </p>
    </main>
  );
}
