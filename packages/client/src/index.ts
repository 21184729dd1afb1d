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
export type { ConnectionState } from "./core/connection.js";
export type {
  CancelReply,
  JobWatch,
  StepChange,
  WatchEvents,
  WatchSnapshot,
} from "./core/job-watch.js";
export type { WatchOptions } from "./core/options.js";
export type { Page, PageEvent } from "./core/page.js";
export {
  type CreateOptions,
  type JobStorage,
  VideoManager,
  type VideoManagerOptions,
} from "./core/video-manager.js";
export { watchJob } from "./core/watch.js";
export type { ConnectionStatus, Transport } from "./machine/events.js";
export type { HeadersFactory, Schedule } from "./transports/exchange.js";
