export type {
  ActiveJob,
  AnyJob,
  CancelledJob,
  CompletedJob,
  Cursor,
  DefinedStep,
  ErrorCode,
  FailedJob,
  InputOf,
  JobDefinition,
  JobError,
  JobFacts,
  JobOf,
  JobState,
  JobStatus,
  JobsSummary,
  JobTypes,
  Json,
  JsonObject,
  LogLevel,
  LogLine,
  MetadataOf,
  PlainJson,
  PlanInput,
  PlanStep,
  ProgressErrorInit,
  StepState,
  StepStatus,
  TerminalStatus,
  Validation,
  Validator,
} from "@emlinh/progress-protocol";
export {
  defineJob,
  isProgressError,
  isTerminal,
  ProgressError,
  summaryOf,
  typed,
} from "@emlinh/progress-protocol";
export type { CreateRetry } from "./core/call.js";
export type { ConnectionState } from "./core/connection/connection-state.js";
export type { FeedSharing } from "./core/feed/feed.js";
export type {
  CancelReply,
  JobWatch,
  StepChange,
  WatchEvents,
  WatchSnapshot,
} from "./core/job-watch.js";
export type { JobsSnapshot, JobsWatch } from "./core/jobs/jobs-watch.js";
export { watchJobs } from "./core/jobs/watch-jobs.js";
export type { InitialJobs, WatchJobsOptions } from "./core/jobs/watch-jobs-options.js";
export type { CreateOptions } from "./core/manager/job-creator.js";
export {
  JobManager,
  // The same class under the name that the video app uses.
  JobManager as VideoManager,
} from "./core/manager/job-manager.js";
export type {
  JobManagerOptions,
  JobManagerOptions as VideoManagerOptions,
} from "./core/manager/manager-options.js";
export type { JobStorage } from "./core/manager/stored-jobs.js";
export type { WatchOptions } from "./core/options.js";
export type { Page, PageEvent } from "./core/page.js";
export { watchJob } from "./core/watch.js";
export type { Transport } from "./machine/policy.js";
export type { ConnectionStatus } from "./machine/state.js";
export type { FetchFunction, HeadersFactory, Schedule } from "./transports/http.js";
