import { Body, Controller, HttpCode, Inject, Post, Req, UseGuards } from "@nestjs/common";
import { Owners } from "./owners.js";
import { type AppProgress, PROGRESS } from "./progress.module.js";
import { ReportWorker } from "./report.worker.js";
import { UserGuard } from "./user.guard.js";

@Controller("api/reports")
@UseGuards(UserGuard)
export class ReportsController {
  constructor(
    @Inject(PROGRESS) private readonly progress: AppProgress,
    @Inject(Owners) private readonly owners: Owners,
    @Inject(ReportWorker) private readonly worker: ReportWorker,
  ) {}

  @Post()
  @HttpCode(202)
  async create(
    @Body() { pages }: { pages?: unknown },
    @Req() { user }: { user: string },
  ): Promise<{ jobId: string }> {
    const plan = [{ id: "write", title: "Write" }];
    const { id: jobId } = await this.progress.create({ kind: "report", plan });
    this.owners.set(jobId, user);
    this.worker.start(jobId, Math.min(Number(pages) || 10, 100_000));
    return { jobId };
  }
}
