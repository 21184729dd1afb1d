import { setTimeout } from "node:timers/promises";
import { isProgressError, type Reporter } from "@emlinh/progress-server";
import { Inject, Injectable, Logger } from "@nestjs/common";
import { type AppProgress, PROGRESS } from "./progress.module.js";

/** Writes reports, page by page. */
@Injectable()
export class ReportWorker {
  private readonly logger = new Logger(ReportWorker.name);

  constructor(@Inject(PROGRESS) private readonly progress: AppProgress) {}

  /** Begins the work, and does not wait for it. */
  start(jobId: string, pages: number): void {
    this.progress
      .run(jobId, (job) => this.write(job, pages))
      .catch((error: unknown) => {
        // `close` has stopped the work. With a store that several processes share, another one can take the job over.
        if (isProgressError(error) && error.code === "closed") return;
        this.logger.error(error);
      });
  }

  private async write(job: Reporter, pages: number): Promise<{ pages: number }> {
    await job.step("write", async (step) => {
      for (let done = 0; done < pages; ) {
        await setTimeout(20, undefined, { signal: job.signal });
        done += 1;
        step.update({ done, total: pages, unit: "pages" });
      }
    });
    return { pages };
  }
}
