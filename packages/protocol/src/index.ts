export {
  addToChange,
  type Change,
  type CheckedChange,
  checkedChange,
  checkedField,
  checkedLine,
  type HoldOpening,
  type HoldWrite,
  isVisible,
  JOB_ID,
  MAX_CHANGE_BYTES,
  MAX_JOB_BYTES,
  MAX_JOB_FIELDS,
  MAX_LINE_BYTES,
  NAME,
  type NewLogLine,
  type OpenChange,
} from "./change.js";
export {
  type Cursor,
  type CursorParts,
  parseCursor,
  printCursor,
} from "./cursor.js";
export { decodeDelta } from "./decode-delta.js";
export {
  defineJob,
  type InputOf,
  type JobDefinition,
  type JobOf,
  type MetadataInput,
  type PlainJson,
  typed,
  type Validation,
  type Validator,
} from "./define.js";
export {
  DEFAULT_MAX_LOG_LINES,
  type Delta,
  isEmpty,
  type LogLevel,
  type LogLine,
} from "./delta.js";
export {
  type ErrorCode,
  isProgressError,
  isRefusalCode,
  ProgressError,
  type ProgressErrorInit,
  type RefusalCode,
  withoutPasswords,
} from "./error.js";
export { type EtaFacts, etaOf } from "./eta.js";
export { type Fields, stateOf } from "./fields.js";
export {
  byeFrame,
  deltaFrame,
  heartbeatFrame,
  helloFrame,
  jobDeltaFrame,
  listedFrame,
  readyFrame,
  refusedFrame,
  timeoutFrame,
} from "./frame.js";
export type { Json, JsonObject } from "./json.js";
export {
  DEFAULT_LISTED_JOBS,
  decodeJobDelta,
  decodeListed,
  decodeRefused,
  type JobDelta,
  type Listed,
  listedOf,
  MAX_LISTED_JOBS,
  MAX_SUBJECTS,
  type ManyReply,
  parseTarget,
  printTarget,
  type Refused,
  SUBJECT,
  toJobWire,
  type WireJobDelta,
} from "./many.js";
export { type DefinedStep, definedPlan, type PlanInput, planOf } from "./plan.js";
export {
  type Applied,
  applyDelta,
  deltaAfter,
  deltaOfChange,
  emptyReplica,
  fieldValue,
  type Replica,
  replicaFields,
} from "./replica.js";
export { type SharedTimes, sharedTimes, type TimedJob } from "./shared-times.js";
export {
  type ActiveJob,
  type AnyJob,
  type CancelledJob,
  type CompletedJob,
  type FailedJob,
  isTerminal,
  type JobError,
  type JobFacts,
  type JobState,
  type JobStatus,
  type JobTypes,
  type MetadataOf,
  type PlanStep,
  type StepState,
  type StepStatus,
  type TerminalStatus,
} from "./state.js";
export { type JobsSummary, summaryOf } from "./summary.js";
export { type CheckedValue, checkedValue, MAX_DEPTH, tooLarge } from "./values.js";
export {
  type Bye,
  type ByeReason,
  type DeltaEvent,
  eventOf,
  type Heartbeat,
  type Hello,
  type PollReply,
  PROTOCOL_VERSION,
  type Timeout,
  toWire,
  type WireDelta,
  type WireEvent,
} from "./wire.js";
