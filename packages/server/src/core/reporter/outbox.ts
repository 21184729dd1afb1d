import {
  type Change,
  type CheckedChange,
  type ErrorCode,
  type HoldWrite,
  isProgressError,
  ProgressError,
} from "@emlinh/progress-protocol";
import { asProgressError, closedError, jobFinished } from "../../shared/errors.js";
import { createOutage, type Outage } from "../../shared/outage.js";
import { after, elapsed, type Timer } from "../../shared/time.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import type { Written } from "../store.js";
import { type DeliveryWaiters, deliveryWaiters } from "./delivery-waiters.js";
import type { JobHold } from "./hold.js";
import { appendWrite, type PendingWrite, trimLines } from "./pending-writes.js";

/** The dependencies of an outbox. */
export interface OutboxContext
  extends Pick<Settings, "reportIntervalMs" | "maxDeliveryMs" | "leaseMs" | "random" | "onError"> {
  readonly jobId: string;
  readonly store: GuardedStore;
  /** Writes to the store, through the reporter's job watcher. */
  readonly write: (change: Change) => Promise<Written>;
  readonly hold: JobHold;
  /** Called once, if nothing can be written any more, unless this outbox delivered the last write itself. */
  readonly onStop: (error: ProgressError) => void;
}

/** Delivers a worker's changes to the store, in order, one write at a time, and renews the lease. */
export interface Outbox {
  /**
   * Adds a checked change. It is sent together with others, or at once if it is urgent; while the store is unavailable
   * it waits. Never throws.
   */
  add(change: CheckedChange, isUrgent: boolean): void;
  /** Resolves when everything that was added is stored. @throws ProgressError the reason why it never will be. */
  flush(): Promise<void>;
  /**
   * Adds the last changes, and resolves when they are stored. The last one of them ends the job, or gives it back to
   * the queue.
   *
   * @throws ProgressError the reason why they never will be.
   */
  finish(changes: readonly CheckedChange[]): Promise<LastDelivery>;
  /** Renews the lease now. */
  renew(): void;
  /** Sends the rest in one try, then gives up the lease if asked to, and stops. Never throws. */
  close(options: { readonly giveUpLease: boolean; readonly reason: ProgressError }): Promise<void>;
  /** The reason why nothing is written any more. */
  stopped(): ProgressError | undefined;
  /** Stops at once. */
  stop(error: ProgressError): void;
}

/** The delivery of the last write. */
export interface LastDelivery {
  /** The store's time of the write, or of the retry that was answered. */
  readonly writtenAt: number;
  /** Whether an earlier try got no answer, so that it may be the one that was stored. */
  readonly wasRetried: boolean;
}

interface OutboxState extends OutboxContext {
  readonly waiters: DeliveryWaiters;
  readonly outage: Outage;
  queue: readonly PendingWrite[];
  lastDelivery: LastDelivery;
  /** Changes added so far; each one's number is the count after it. */
  added: number;
  /** Lines of writes that the store refused, not counted in a later write yet. */
  refusedLines: number;
  isBusy: boolean;
  isUrgent: boolean;
  sentAt: number;
  renewedAt: number;
  lastFailure: ProgressError | undefined;
  sendTimer: Timer | undefined;
  /** When the timer fires, by {@link elapsed}; `undefined` if none is set. */
  timerAt: number | undefined;
  /** Ends the delivery of the last write after `maxDeliveryMs`. */
  deadline: Timer | undefined;
  stopped: ProgressError | undefined;
  onNextFailure: () => void;
}

/** The longest wait between two tries while the store is unavailable. */
const MAX_BACKOFF_MS = 5_000;

/** The change can't be written, and another try would not help. */
const REFUSED: ReadonlySet<ErrorCode> = new Set(["invalid-change", "too-large"]);

/** No change of this worker can be written any more. */
const FATAL: ReadonlySet<ErrorCode> = new Set([
  "job-finished",
  "attempt-superseded",
  "hold-lost",
  "job-not-found",
  "job-expired",
  "closed",
]);

/** Sent when nothing else is to be sent, to renew the lease. */
const RENEWAL: PendingWrite = {
  change: { set: {}, log: [] },
  bytes: 0,
  upTo: 0,
  isLast: false,
};

/**
 * Bytes that may wait to be written while the store is well. Lines are dropped only beyond it: a program that logs
 * faster than any store writes must not fill the memory.
 */
const MAX_QUEUED_BYTES = 32 * 1024 * 1024;

/** Lines that may wait to be written while the store is unavailable. It may keep any number of lines. */
const MAX_QUEUED_LINES = 1_000;

/** Makes an outbox. Its first renewal is due after a third of the lease. */
export function createOutbox(context: OutboxContext): Outbox {
  const outbox: OutboxState = {
    ...context,
    waiters: deliveryWaiters(),
    outage: createOutage(Math.min(MAX_BACKOFF_MS, context.leaseMs / 3), context.random),
    queue: [],
    lastDelivery: { writtenAt: 0, wasRetried: false },
    added: 0,
    refusedLines: 0,
    isBusy: false,
    isUrgent: false,
    sentAt: Number.NEGATIVE_INFINITY,
    renewedAt: elapsed(),
    lastFailure: undefined,
    sendTimer: undefined,
    timerAt: undefined,
    deadline: undefined,
    stopped: undefined,
    onNextFailure: () => {},
  };
  sendIfDue(outbox);
  return {
    add: (change, isUrgent) => add(outbox, change, isUrgent),
    flush: () => flush(outbox),
    finish: (changes) => finish(outbox, changes),
    renew() {
      outbox.renewedAt = Number.NEGATIVE_INFINITY;
      sendIfDue(outbox);
    },
    close: (options) => close(outbox, options),
    stopped: () => outbox.stopped,
    stop: (error) => stop(outbox, error),
  };
}

function add(outbox: OutboxState, change: CheckedChange, isUrgent: boolean): void {
  if (outbox.stopped !== undefined) return;
  append(outbox, change, false);
  outbox.isUrgent ||= isUrgent;
  sendIfDue(outbox);
}

function append(outbox: OutboxState, { set, log, bytes }: CheckedChange, isLast: boolean): void {
  outbox.added += 1;
  outbox.queue = appendWrite(outbox.queue, {
    change: { set, log },
    bytes,
    upTo: outbox.added,
    isLast,
  });
  if (log.length > 0) trimQueue(outbox);
}

/** Lines that the store would drop at once are not kept while it is unavailable. */
function trimQueue(outbox: OutboxState): void {
  const { queue, outage, store } = outbox;
  const isTooLarge = queue.reduce((sum, { bytes }) => sum + bytes, 0) > MAX_QUEUED_BYTES;
  if (outage.isOn() || isTooLarge)
    outbox.queue = trimLines(queue, Math.min(store.maxLogLines, MAX_QUEUED_LINES));
}

function flush(outbox: OutboxState): Promise<void> {
  if (outbox.stopped !== undefined) return Promise.reject(outbox.stopped);
  if (outbox.queue.length === 0 && !outbox.isBusy) return Promise.resolve();
  sendAtOnce(outbox);
  const written = outbox.waiters.wait(outbox.added);
  sendIfDue(outbox);
  return written;
}

async function finish(
  outbox: OutboxState,
  changes: readonly CheckedChange[],
): Promise<LastDelivery> {
  if (outbox.stopped !== undefined) throw outbox.stopped;
  for (const [index, change] of changes.entries())
    append(outbox, change, index === changes.length - 1);
  if (outbox.maxDeliveryMs !== Number.POSITIVE_INFINITY)
    outbox.deadline = after(outbox.maxDeliveryMs, () => stop(outbox, notDelivered(outbox)));
  await flush(outbox);
  return outbox.lastDelivery;
}

/** The queue does not wait for the interval. The mark must not outlive the queue, or the next update would not wait. */
function sendAtOnce(outbox: OutboxState): void {
  outbox.isUrgent = outbox.queue.length > 0;
}

/** Sends if something is due, else waits until something is. Only this function sets the timer. */
function sendIfDue(outbox: OutboxState): void {
  if (outbox.isBusy || outbox.stopped !== undefined) return;
  const dueAt = Math.min(sendDueAt(outbox), renewalDueAt(outbox));
  const waitMs = dueAt - elapsed();
  if (waitMs > 0) {
    waitUntil(outbox, dueAt, waitMs);
    return;
  }
  clearTimer(outbox);
  outbox.isBusy = true;
  // It handles its own errors, and calls this function when it is done.
  void sendNext(outbox);
}

/** Most updates find the timer set. To set it again would take longer than all the rest of an update. */
function waitUntil(outbox: OutboxState, dueAt: number, waitMs: number): void {
  if (outbox.timerAt === dueAt) return;
  clearTimer(outbox);
  outbox.timerAt = dueAt;
  outbox.sendTimer = after(waitMs, () => {
    outbox.timerAt = undefined;
    sendIfDue(outbox);
  });
}

function clearTimer(outbox: OutboxState): void {
  clearTimeout(outbox.sendTimer);
  outbox.timerAt = undefined;
}

function sendDueAt({ queue, outage, isUrgent, sentAt, reportIntervalMs }: OutboxState): number {
  if (queue.length === 0) return Number.POSITIVE_INFINITY;
  if (outage.isOn()) return outage.retryAt();
  return isUrgent ? Number.NEGATIVE_INFINITY : sentAt + reportIntervalMs;
}

function renewalDueAt({ outage, renewedAt, leaseMs }: OutboxState): number {
  return outage.isOn() ? outage.retryAt() : renewedAt + leaseMs / 3;
}

async function sendNext(outbox: OutboxState): Promise<void> {
  const [next = RENEWAL, ...rest] = outbox.queue;
  const write = withRefusedLines(outbox, next);
  outbox.queue = rest;
  if (rest.length === 0) outbox.isUrgent = false;
  outbox.sentAt = elapsed();
  const sentAs = write.sentAs ?? outbox.hold.next();
  try {
    await send(outbox, write, sentAs);
    delivered(outbox, write);
  } catch (error) {
    const message = `A change of the job "${outbox.jobId}" was not written.`;
    failed(outbox, { ...write, sentAs }, asProgressError(error, message));
  }
  outbox.isBusy = false;
  sendIfDue(outbox);
}

/** Lines that the store refused are lost too, so the next line counts them (P9). */
function withRefusedLines(outbox: OutboxState, write: PendingWrite): PendingWrite {
  const { change, sentAs } = write;
  if (outbox.refusedLines === 0 || change.log.length === 0 || sentAs !== undefined) return write;
  const lostLines = (change.lostLines ?? 0) + outbox.refusedLines;
  outbox.refusedLines = 0;
  return { ...write, change: { ...change, lostLines } };
}

async function send(outbox: OutboxState, write: PendingWrite, hold: HoldWrite): Promise<void> {
  const begunAt = elapsed();
  // The last write gives the lease up.
  const leaseMs = write.isLast ? 0 : outbox.leaseMs;
  const { now } = await outbox.write({ ...write.change, hold, leaseMs });
  outbox.lastDelivery = { writtenAt: now, wasRetried: write.sentAs !== undefined };
  outbox.renewedAt = begunAt;
}

function delivered(outbox: OutboxState, { upTo, isLast, change }: PendingWrite): void {
  const { jobId, outage, waiters } = outbox;
  outage.ended();
  waiters.resolve(upTo);
  if (!isLast) return;
  const { status } = change.set;
  const isQueued = status === "queued";
  quit(outbox, isQueued ? closedReporter(jobId) : jobFinished(jobId, String(status)));
}

function failed(outbox: OutboxState, write: PendingWrite, error: ProgressError): void {
  if (outbox.stopped !== undefined) return;
  if (FATAL.has(error.code)) stop(outbox, error);
  else if (REFUSED.has(error.code)) dropRefused(outbox, write, error);
  else keepForLater(outbox, write, error);
}

function keepForLater(outbox: OutboxState, write: PendingWrite, error: ProgressError): void {
  if (outbox.outage.failed()) outbox.onError(error);
  outbox.lastFailure = error;
  if (write.upTo > 0) outbox.queue = [write, ...outbox.queue];
  trimQueue(outbox);
  sendAtOnce(outbox);
  outbox.onNextFailure();
}

/** Drops a write that the store refused, so that the writes behind it get through. */
function dropRefused(outbox: OutboxState, write: PendingWrite, error: ProgressError): void {
  outbox.onError(error);
  outbox.refusedLines += write.change.log.length + (write.change.lostLines ?? 0);
  if (write.isLast) {
    clearTimeout(outbox.deadline);
    outbox.waiters.reject(write.upTo, error);
  }
  delivered(outbox, { ...write, isLast: false });
}

function stop(outbox: OutboxState, error: ProgressError): void {
  if (outbox.stopped !== undefined) return;
  quit(outbox, error);
  outbox.onStop(error);
}

function quit(outbox: OutboxState, reason: ProgressError): void {
  outbox.stopped = reason;
  clearTimer(outbox);
  clearTimeout(outbox.deadline);
  outbox.queue = [];
  outbox.waiters.rejectAll(reason);
}

async function close(
  outbox: OutboxState,
  { giveUpLease, reason }: { readonly giveUpLease: boolean; readonly reason: ProgressError },
): Promise<void> {
  if (outbox.stopped === undefined && !outbox.outage.isOn()) {
    // A change that can't be written at the first try is dropped: the worker closes without waiting for the store.
    const failure = new Promise<void>((resolve) => {
      outbox.onNextFailure = resolve;
    });
    await Promise.race([flush(outbox).catch(() => {}), failure]);
  }
  if (outbox.stopped !== undefined) return;
  quit(outbox, reason);
  if (giveUpLease) await releaseLease(outbox);
}

async function releaseLease({ jobId, hold, write, onError }: OutboxState): Promise<void> {
  try {
    await write({ set: {}, log: [], hold: hold.next(), leaseMs: 0 });
  } catch (error) {
    // A lease that is not given up runs out by itself.
    if (!isProgressError(error, "job-finished"))
      onError(asProgressError(error, `The lease of the job "${jobId}" could not be given up.`));
  }
}

/** The error of a reporter that was closed, or gave its job back to the queue. */
export function closedReporter(jobId: string): ProgressError {
  return closedError(`The reporter of the job "${jobId}"`);
}

function notDelivered({ jobId, maxDeliveryMs, lastFailure }: OutboxState): ProgressError {
  return new ProgressError("store-unavailable", {
    message:
      `The end of the job "${jobId}" could not be delivered within ${maxDeliveryMs} ms, ` +
      "so its lease runs out and it ends as lost. " +
      "Check that the store's database can be reached, or raise maxDeliveryMs.",
    retryable: true,
    cause: lastFailure,
  });
}
