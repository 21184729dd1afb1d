import {
  type Change,
  type Cursor,
  type ErrorCode,
  isProgressError,
  type NewLogLine,
  ProgressError,
} from "@emlinh/progress-protocol";
import { asProgressError, jobFinished } from "../../shared/errors.js";
import { after, backoffMs, elapsed, type Timer } from "../../shared/time.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import { type Parcel, pack, trimLines } from "./pending-writes.js";

/** What an outbox needs to know. */
export interface OutboxContext
  extends Pick<Settings, "reportIntervalMs" | "maxDeliveryMs" | "leaseMs" | "random" | "onError"> {
  readonly jobId: string;
  readonly store: GuardedStore;
  readonly attempt: number;
  /** That of the last write. */
  readonly cursor: Cursor;
  /** Called once, if nothing can be written any more, for another reason than an end that this outbox delivered. */
  readonly onStop: (error: ProgressError) => void;
}

/** Carries a worker's changes to the store, in order, one write at a time, and renews its lease. */
export interface Outbox {
  /** Takes a checked change. It goes out at once, or together with others; while the store is away it waits. Never throws. */
  put(change: Pick<Change, "set" | "log">, options: PutOptions): void;
  /** Resolves when all that was put is written. @throws ProgressError why it never will be. */
  flush(): Promise<void>;
  /** Puts the end, and resolves when it is written. @throws ProgressError why it never will be. */
  end(change: Pick<Change, "set" | "log">, bytes: number): Promise<void>;
  /** Sends what is left, in one try, then gives up the lease if asked to, and stops. Never throws. */
  close(options: { readonly giveUpLease: boolean; readonly reason: ProgressError }): Promise<void>;
  /** Why nothing is written any more. */
  stopped(): ProgressError | undefined;
  /** Stops at once. */
  stop(error: ProgressError): void;
}

/** How a change is put. */
interface PutOptions {
  readonly bytes: number;
  /** Whether it must not wait for others. */
  readonly urgent: boolean;
}

interface Waiter {
  readonly upTo: number;
  resolve(): void;
  reject(error: ProgressError): void;
}

/** Between two tries while the store is away, at most. */
const MAX_BACKOFF_MS = 5_000;

/** The change can't be written, and no other try will help. */
const REFUSED: ReadonlySet<ErrorCode> = new Set(["invalid-change", "too-large"]);

/** No change of this worker's can be written any more. */
const FATAL: ReadonlySet<ErrorCode> = new Set([
  "job-finished",
  "attempt-superseded",
  "job-not-found",
  "job-expired",
  "closed",
]);

/** Makes an outbox; its first renewal is due after a third of the lease. */
export function createOutbox(context: OutboxContext): Outbox {
  const { jobId, store, attempt, leaseMs, reportIntervalMs, maxDeliveryMs, random } = context;
  let queue: readonly Parcel[] = [];
  let waiters: Waiter[] = [];
  let cursor = context.cursor;
  let putCount = 0;
  let busy = false;
  let urgent = false;
  let sentAt = Number.NEGATIVE_INFINITY;
  let renewedAt = elapsed();
  let failures = 0;
  let retryAt = 0;
  let lastFailure: ProgressError | undefined;
  let timer: Timer | undefined;
  let deadline: Timer | undefined;
  let stopped: ProgressError | undefined;
  /** Told of the next failure. */
  let onFailure = (): void => {};

  /** Sends if something is due, else waits until something is. The only place where the timer is set. */
  function pump(): void {
    clearTimeout(timer);
    if (busy || stopped !== undefined) return;
    const waitMs = Math.min(sendDueAt(), renewalDueAt()) - elapsed();
    if (waitMs > 0) {
      timer = after(waitMs, pump);
      return;
    }
    busy = true;
    // It catches its own errors, and calls this function when it is done.
    void sendNext();
  }

  function sendDueAt(): number {
    if (queue.length === 0) return Number.POSITIVE_INFINITY;
    if (failures > 0) return retryAt;
    return urgent ? Number.NEGATIVE_INFINITY : sentAt + reportIntervalMs;
  }

  function renewalDueAt(): number {
    return failures > 0 ? retryAt : renewedAt + leaseMs / 3;
  }

  async function sendNext(): Promise<void> {
    const [parcel, ...rest] = queue;
    queue = rest;
    if (rest.length === 0) urgent = false;
    const sent = parcel ?? RENEWAL;
    sentAt = elapsed();
    try {
      if (!(sent.doubtful && (await wasWritten(sent)))) await write(sent.change);
      delivered(sent);
    } catch (error) {
      failed(sent, asProgressError(error, `A change of the job "${jobId}" could not be written.`));
    }
    busy = false;
    pump();
  }

  async function write(change: Pick<Change, "set" | "log">): Promise<void> {
    const begunAt = elapsed();
    cursor = await store.write(jobId, { ...change, attempt, leaseMs });
    renewedAt = begunAt;
  }

  /** Whether a write that failed on our side was done on the store's. Else lines would come twice, and a delivered end look refused. */
  async function wasWritten({ change, final }: Parcel): Promise<boolean> {
    if (change.log.length === 0 && !final) return false;
    const delta = await store.read(jobId, cursor);
    if (delta === undefined) return false;
    const { status, finishedAt } = change.set;
    if (final && delta.set.status === status && delta.set.finishedAt === finishedAt) return true;
    return !final && containsInARow(delta.log, change.log);
  }

  function delivered({ upTo, final }: Parcel): void {
    failures = 0;
    waiters = waiters.filter((waiter) => {
      if (waiter.upTo <= upTo) waiter.resolve();
      return waiter.upTo > upTo;
    });
    if (final) quit(jobFinished(jobId, "ended"));
  }

  function failed(parcel: Parcel, error: ProgressError): void {
    if (stopped !== undefined) return;
    if (FATAL.has(error.code)) stop(error);
    else if (REFUSED.has(error.code)) refused(parcel, error);
    else keepForLater(parcel, error);
  }

  function keepForLater(parcel: Parcel, error: ProgressError): void {
    if (failures === 0) context.onError(error);
    failures += 1;
    lastFailure = error;
    onFailure();
    urgent = true;
    retryAt =
      elapsed() + backoffMs(failures, { maxMs: Math.min(MAX_BACKOFF_MS, leaseMs / 3) }, random);
    if (parcel !== RENEWAL) queue = [{ ...parcel, doubtful: true }, ...queue];
  }

  /** It is given up, so that those behind it get through. */
  function refused(parcel: Parcel, error: ProgressError): void {
    context.onError(error);
    if (parcel.final) {
      clearTimeout(deadline);
      for (const waiter of waiters) if (waiter.upTo === parcel.upTo) waiter.reject(error);
      waiters = waiters.filter(({ upTo }) => upTo !== parcel.upTo);
    }
    delivered({ ...parcel, final: false });
  }

  function stop(error: ProgressError): void {
    if (stopped !== undefined) return;
    quit(error);
    context.onStop(error);
  }

  function quit(reason: ProgressError): void {
    stopped = reason;
    clearTimeout(timer);
    clearTimeout(deadline);
    queue = [];
    for (const waiter of waiters) waiter.reject(reason);
    waiters = [];
  }

  function add(change: Pick<Change, "set" | "log">, bytes: number, final: boolean): void {
    putCount += 1;
    const parcel: Parcel = { change, bytes, upTo: putCount, final, doubtful: false };
    queue = trimLines(pack(queue, parcel), store.maxLogLines);
  }

  function allWritten(): Promise<void> {
    if (stopped !== undefined) return Promise.reject(stopped);
    if (queue.length === 0 && !busy) return Promise.resolve();
    urgent = true;
    const written = new Promise<void>((resolve, reject) => {
      waiters.push({ upTo: putCount, resolve, reject });
    });
    pump();
    return written;
  }

  function giveUp(): void {
    stop(
      new ProgressError("store-unavailable", {
        message: `The end of the job "${jobId}" could not be delivered within ${maxDeliveryMs} ms: its lease will run out, and it will end as lost.`,
        retryable: true,
        cause: lastFailure,
      }),
    );
  }

  pump();
  return {
    put(change, { bytes, urgent: now }) {
      if (stopped !== undefined) return;
      add(change, bytes, false);
      urgent ||= now;
      pump();
    },
    flush: allWritten,
    end(change, bytes) {
      if (stopped !== undefined) return Promise.reject(stopped);
      add(change, bytes, true);
      if (maxDeliveryMs !== Number.POSITIVE_INFINITY) deadline = after(maxDeliveryMs, giveUp);
      return allWritten();
    },
    async close({ giveUpLease, reason }) {
      if (stopped === undefined && failures === 0) {
        // What can't be written now is dropped with the worker: it said so when it closed.
        const failure = new Promise<void>((resolve) => {
          onFailure = resolve;
        });
        await Promise.race([allWritten().catch(() => {}), failure]);
      }
      if (stopped !== undefined) return;
      quit(reason);
      if (giveUpLease) await release();
    },
    stopped: () => stopped,
    stop,
  };

  async function release(): Promise<void> {
    try {
      await store.write(jobId, { set: {}, log: [], attempt, leaseMs: 0 });
    } catch (error) {
      // A lease that can't be given up runs out by itself.
      if (!isProgressError(error, "job-finished"))
        context.onError(asProgressError(error, `The lease of "${jobId}" could not be given up.`));
    }
  }
}

/** Sent when there is nothing else to send, to renew the lease. */
const RENEWAL: Parcel = {
  change: { set: {}, log: [] },
  bytes: 0,
  upTo: 0,
  final: false,
  doubtful: false,
};

function containsInARow(log: readonly NewLogLine[], lines: readonly NewLogLine[]): boolean {
  return log.some((_, start) => lines.every((line, index) => isSame(log[start + index], line)));
}

function isSame(one: NewLogLine | undefined, other: NewLogLine): boolean {
  return one?.at === other.at && one.text === other.text && one.level === other.level;
}
