export {
  type ActiveJob,
  type AnyJob,
  type CancelledJob,
  type Change,
  type CompletedJob,
  type Cursor,
  type CursorParts,
  DEFAULT_MAX_LOG_LINES,
  type DefinedStep,
  type Delta,
  defineJob,
  type ErrorCode,
  type FailedJob,
  type Fields,
  type HoldOpening,
  type HoldWrite,
  type InputOf,
  isProgressError,
  isTerminal,
  type JobDefinition,
  type JobError,
  type JobFacts,
  type JobOf,
  type JobState,
  type JobStatus,
  type JobsSummary,
  type JobTypes,
  type Json,
  type JsonObject,
  type LogLevel,
  type LogLine,
  type MetadataInput,
  type MetadataOf,
  type NewLogLine,
  type PlainJson,
  type PlanInput,
  type PlanStep,
  ProgressError,
  type ProgressErrorInit,
  parseCursor,
  printCursor,
  type RefusalCode,
  type StepState,
  type StepStatus,
  summaryOf,
  type TerminalStatus,
  typed,
  type Validation,
  type Validator,
} from "@emlinh/progress-protocol";
export {
  type Action,
  type Authorize,
  type AuthorizeCleanup,
  type AuthorizeJob,
  type AuthorizeList,
  type AuthorizeRequest,
  allowAnyone,
  type Decision,
} from "./core/authorize.js";
export type { CorsOptions } from "./core/cors-option.js";
export type { DisconnectTarget } from "./core/disconnect-target.js";
export type { CreatedJob, CreateJob, CreateOptions } from "./core/draft.js";
export type { EndOptions, EndStatus } from "./core/end-fields.js";
export { JobFailure, type JobFailureInit } from "./core/failure.js";
export type {
  Hooks,
  JobEnded,
  RequestRefused,
  StreamClosed,
  StreamCloseReason,
  StreamOpened,
  StreamTargets,
} from "./core/hooks.js";
export type {
  Answer,
  BodyAnswer,
  BodyLimits,
  RequestClient,
  RequestFacts,
  Sink,
  StreamAnswer,
  Subscription,
} from "./core/http/types.js";
export type { JobUpdate } from "./core/job-update.js";
export type { JobStatusReport } from "./core/jobs.js";
export type { JobList, ListOptions } from "./core/list-jobs.js";
export type {
  MetricsHistogram,
  ProgressMetrics,
  StoreCallMetrics,
  StoreMethod,
  SweepMetrics,
} from "./core/metrics.js";
export type { ProgressOptions } from "./core/options.js";
export { createProgress, type Progress } from "./core/progress.js";
export type { OpenOptions } from "./core/reporter/open-job.js";
export type { LogOptions, Reporter, RequeueOptions } from "./core/reporter/reporter.js";
export type { PlainResult, Returned, RunOptions, Work } from "./core/reporter/run-job.js";
export type { StepReporter } from "./core/reporter/steps.js";
export { singleton } from "./core/singleton.js";
export type { StepUpdate } from "./core/step-state.js";
export type {
  Created,
  Durations,
  Expectation,
  Expectations,
  JobDraft,
  JobPage,
  OnSweptEnd,
  PageRequest,
  ProgressStore,
  StoredDelta,
  SweepReport,
  SweptEnd,
  Unwatch,
  Wake,
  WatchTarget,
  Written,
} from "./core/store.js";
export type { TicketAction } from "./core/ticket-format.js";
export {
  createTickets,
  type TicketOptions,
  type Tickets,
  type TicketsOptions,
} from "./core/tickets.js";
export type { JobListener } from "./core/watch-job.js";
export type { DrainOptions } from "./shared/drain-times.js";
export { learned } from "./shared/expectations.js";
export {
  checkWrite,
  closedSteps,
  dueAt,
  fieldsOfTransition,
  type Hold,
  holdAfter,
  type JobTimes,
  type JobTtls,
  type Transition,
  timesOfTransition,
  transitionOf,
  type WriteState,
} from "./shared/lifecycle.js";
export type { MemoryStoreOptions } from "./stores/memory/index.js";
export { memoryStore } from "./stores/memory/index.js";
export type { StoreOptions } from "./stores/shared/store-options.js";
