export type {
  AnyJob,
  Cursor,
  ErrorCode,
  JobDefinition,
  JobError,
  JobState,
  JobStatus,
  JobTypes,
  Json,
  JsonObject,
  LogLevel,
  LogLine,
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
  typed,
} from "@emlinh/progress-protocol";
export type { ConnectionState } from "./core/connection-state.js";
export type { CreateOptions } from "./core/job-creator.js";
export {
  JobManager,
  // The same class under the name that the video app uses.
  JobManager as VideoManager,
  type JobManagerOptions,
  type JobManagerOptions as VideoManagerOptions,
} from "./core/job-manager.js";
export type {
  CancelReply,
  JobWatch,
  StepChange,
  WatchEvents,
  WatchSnapshot,
} from "./core/job-watch.js";
export type { WatchOptions } from "./core/options.js";
export type { Page, PageEvent } from "./core/page.js";
export type { JobStorage } from "./core/stored-ids.js";
export { watchJob } from "./core/watch.js";
export type { ConnectionStatus, Transport } from "./machine/state.js";
export type { HeadersFactory, Schedule } from "./transports/http.js";
