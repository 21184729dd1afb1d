export {
  type Change,
  checkChange,
  isVisible,
  JOB_ID,
  MAX_CHANGE_BYTES,
  mergeChanges,
  NAME,
  type NewLogLine,
} from "./change.js";
export {
  type Cursor,
  type CursorParts,
  parseCursor,
  printCursor,
} from "./cursor.js";
export {
  defineJob,
  type JobDefinition,
  type,
  type Validation,
  type Validator,
} from "./define.js";
export {
  apply,
  DEFAULT_MAX_LOG_LINES,
  type Delta,
  isEmpty,
  isEnd,
  type LogLevel,
  type LogLine,
  merge,
  newest,
  type Snapshot,
} from "./delta.js";
export {
  type ErrorCode,
  isProgressError,
  ProgressError,
  type ProgressErrorInit,
} from "./error.js";
export { type Fields, stateOf } from "./fields.js";
export {
  byeFrame,
  deltaFrame,
  heartbeatFrame,
  helloFrame,
  timeoutFrame,
} from "./frame.js";
export type { Json, JsonObject } from "./json.js";
export {
  absorb,
  cursorOf,
  emptyLedger,
  fieldOf,
  fieldsOf,
  hasEnded,
  type Ledger,
  ledgerOf,
  readLedger,
  writeLedger,
} from "./ledger.js";
export {
  type AnyJob,
  isTerminal,
  type JobError,
  type JobState,
  type JobStatus,
  type JobTypes,
  type PlanStep,
  type StepState,
  type StepStatus,
  type TerminalStatus,
} from "./state.js";
export {
  type Bye,
  type ByeReason,
  type DeltaEvent,
  eventOf,
  fromWire,
  type Heartbeat,
  type Hello,
  type PollReply,
  PROTOCOL_VERSION,
  type Timeout,
  toWire,
  type WireDelta,
  type WireEvent,
} from "./wire.js";
