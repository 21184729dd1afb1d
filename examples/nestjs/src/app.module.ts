import { memoryStore } from "@emlinh/progress-server";
import { Module } from "@nestjs/common";
import { Owners, OwnersModule } from "./owners.js";
import { ProgressController } from "./progress.controller.js";
import { ProgressModule } from "./progress.module.js";
import { ReportWorker } from "./report.worker.js";
import { ReportsController } from "./reports.controller.js";

@Module({
  imports: [
    OwnersModule,
    ProgressModule.forRootAsync({
      imports: [OwnersModule],
      inject: [Owners],
      useFactory: (owners: Owners) => ({
        store: memoryStore(),
        // Asked after the guard, which has set the user.
        authorize: ({ action, jobId, facts }) =>
          (action === "watch" || action === "cancel") && owners.of(jobId) === facts.raw.user,
      }),
    }),
  ],
  controllers: [ProgressController, ReportsController],
  providers: [ReportWorker],
})
export class AppModule {}
