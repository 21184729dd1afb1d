import type {
  ByeReason,
  ProgressError,
  RefusalCode,
  TerminalStatus,
} from "@emlinh/progress-protocol";
import { asProgressError } from "../shared/errors.js";
import { callSafely } from "../shared/never-throws.js";
import type { Action } from "./authorize.js";

/** The jobs and lists of a stream. */
export interface StreamTargets {
  /** The job; `undefined` for a stream of many jobs. */
  readonly jobId: string | undefined;
  /** The number of jobs that it carries now, with those of its lists. */
  readonly jobs: number;
  /** The subjects whose lists it carries. */
  readonly subjects: readonly string[];
}

/** A stream that was opened. */
export interface StreamOpened extends StreamTargets {
  /** Streams that are open in this process, with this one. */
  readonly streams: number;
}

/**
 * Why a stream was closed: `end` (the job has ended), `client` (the client left), `timeout` (nothing changed for
 * `idleTimeoutMs`), `removed` (the job was removed), `failed` (the state could not be sent), or the reason of the `bye`
 * that the reader was sent, or would have been sent if it had taken any bytes: `drain`, `age`, `auth`, `slow`, `store`.
 */
export type StreamCloseReason = "end" | "client" | "timeout" | "removed" | "failed" | ByeReason;

/** A stream that was closed. */
export interface StreamClosed extends StreamTargets {
  readonly reason: StreamCloseReason;
  /** Milliseconds for which it was open. */
  readonly durationMs: number;
}

/** A job that has ended. */
export interface JobEnded {
  readonly jobId: string;
  readonly status: TerminalStatus;
  /** The job's kind, where the code that ended it knew it: a reporter does. */
  readonly kind?: string | undefined;
}

/** A request that was refused, or one of the jobs and subjects of a request for many. */
export interface RequestRefused {
  readonly code: RefusalCode;
  /** The HTTP status of the answer. */
  readonly status: number;
  /** Absent if the request was not understood. */
  readonly action?: Action | undefined;
  /** The job that the request names, which may not exist. Absent for a whole request for many jobs. */
  readonly jobId?: string | undefined;
  /** The subject whose list is refused. */
  readonly subject?: string | undefined;
}

/**
 * Functions that are called after an event, at the end of the same turn of the event loop and in the order of the
 * events. Nothing waits for them. An error that one throws or rejects with goes to `onError`.
 */
export interface Hooks {
  /** Called when the first frame of a stream was written. */
  readonly onStreamOpen?: ((stream: StreamOpened) => void | Promise<void>) | undefined;
  /** Called once for each `onStreamOpen`. */
  readonly onStreamClose?: ((stream: StreamClosed) => void | Promise<void>) | undefined;
  /**
   * Called when this process has ended a job: through a reporter or `run`, by `end`, by a cancel of a queued job, or by
   * a sweep (`lost`, `timed-out`). Of several processes that share a store, only the one that wrote the end calls it. A
   * process that dies at that moment, or gets no answer of the store, does not.
   */
  readonly onJobEnd?: ((job: JobEnded) => void | Promise<void>) | undefined;
  /** Called when a request was refused, and for each job and subject that a request for many jobs does not get. */
  readonly onRefusal?: ((refusal: RequestRefused) => void | Promise<void>) | undefined;
}

/** The hooks that the app gave, as functions that can be called in the middle of anything. */
export type SafeHooks = {
  readonly [Name in keyof Hooks]-?: ((event: EventOf<Name>) => void) | undefined;
};

type EventOf<Name extends keyof Hooks> = Parameters<NonNullable<Hooks[Name]>>[0];

/**
 * Makes the hooks safe. Those that the app did not give stay `undefined`, so that an event without a hook costs no
 * object: `hooks.onJobEnd?.({ jobId, status })`.
 */
export function resolveHooks(hooks: Hooks, onError: (error: ProgressError) => void): SafeHooks {
  const { onStreamOpen, onStreamClose, onJobEnd, onRefusal } = hooks;
  return {
    onStreamOpen: deferred("onStreamOpen", onStreamOpen, onError),
    onStreamClose: deferred("onStreamClose", onStreamClose, onError),
    onJobEnd: deferred("onJobEnd", onJobEnd, onError),
    onRefusal: deferred("onRefusal", onRefusal, onError),
  };
}

/** A hook may call this library. In a microtask, whatever called it has finished its own work. */
function deferred<Event>(
  name: keyof Hooks,
  hook: ((event: Event) => unknown) | undefined,
  onError: (error: ProgressError) => void,
): ((event: Event) => void) | undefined {
  if (hook === undefined) return undefined;
  const onFault = (error: unknown): void =>
    onError(asProgressError(error, `The hook ${name} failed.`));
  return (event) => queueMicrotask(() => callSafely(() => hook(event), onFault));
}
