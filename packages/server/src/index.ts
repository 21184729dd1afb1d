export {
  type AnyJob,
  type Change,
  type Cursor,
  type CursorParts,
  checkChange,
  DEFAULT_MAX_LOG_LINES,
  type Delta,
  defineJob,
  type ErrorCode,
  type Fields,
  isProgressError,
  isTerminal,
  type JobDefinition,
  type JobError,
  type JobState,
  type JobStatus,
  type JobTypes,
  type Json,
  type JsonObject,
  type LogLevel,
  type LogLine,
  type NewLogLine,
  type PlanStep,
  ProgressError,
  type ProgressErrorInit,
  parseCursor,
  printCursor,
  type StepState,
  type StepStatus,
  type TerminalStatus,
  type,
  type Validation,
  type Validator,
} from "@emlinh/progress-protocol";
export {
  type Action,
  type Authorize,
  type AuthorizeRequest,
  allowAnyone,
  type Decision,
} from "./core/authorize.js";
export type { CreatedJob, CreateJob, CreateOptions } from "./core/draft.js";
export {
  dueAt,
  type Fate,
  fateOf,
  fieldsOfFate,
  type JobTimes,
  type JobTtls,
} from "./core/endings.js";
export { JobFailure, type JobFailureInit } from "./core/failure.js";
export type {
  Answer,
  BodyAnswer,
  RequestFacts,
  Sink,
  StreamAnswer,
  Subscription,
} from "./core/http.js";
export type { JobStatusReport } from "./core/jobs.js";
export type { OpenOptions } from "./core/open-job.js";
export type { ProgressOptions } from "./core/options.js";
export {
  createProgress,
  type DrainOptions,
  type Progress,
  type ProgressStats,
} from "./core/progress.js";
export type { EndOptions, JobUpdate, LogOptions, Reporter } from "./core/reporter.js";
export type { Returned, Work } from "./core/run-job.js";
export type { StepReporter, StepUpdate } from "./core/steps.js";
export type {
  Created,
  JobDraft,
  ProgressStore,
  SweepReport,
  Unwatch,
  Wake,
} from "./core/store.js";
export { memoryStore } from "./stores/memory.js";
export type { MemoryStoreOptions } from "./stores/memory-options.js";
export type { StoreOptions } from "./stores/store-options.js";
