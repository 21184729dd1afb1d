import type { Progress } from "@emlinh/progress-server";

/** Does the work of a job: steps with counts, log lines, a result. */
export async function playJob(progress: Progress, jobId: string): Promise<void> {
  await progress.run(jobId, async (job) => {
    job.log("the first line\nwith a line end in it");
    await job.step("speech", (step) => {
      step.update({ done: 1, total: 2, unit: "sentences" });
      job.log("Xin chào 🎬", { level: "warn", data: { scene: 1 } });
    });
    job.update({ message: "data: x\n\nevent: end", metadata: { preview: "/p.jpg?f=1" } });
    await job.flush();
    await job.step("render", async (step) => {
      for (let done = 1; done <= 4; done += 1) {
        step.update({ done, total: 4, unit: "frames" });
        job.log(`frame ${done}`);
        await job.flush();
      }
    });
    return { videoUrl: "/v.mp4" };
  });
}
