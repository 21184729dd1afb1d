import { createOutage } from "../../shared/outage.js";
import { elapsed } from "../../shared/time.js";

/** Reads something of a store again and again: at most one read at a time, and one that waits for its turn. */
export interface ReadLoop {
  /** Ends the first read, which the caller does itself. Until then nothing is read. */
  begin(): void;
  /** Reads now if it is needed and possible. */
  readIfDue(): void;
  /** Notes that something was learned without a read. */
  touch(): void;
  /** Resolves after a read that began after this call. Resolves at once while reads fail. */
  refresh(): Promise<void>;
  /** Reads again if nothing was learned for `rereadMs`, or if a failed read is due again. */
  tick(now: number): void;
  /** Milliseconds for which reads have failed; 0 while they succeed. */
  failingForMs(now: number): number;
  isStopped(): boolean;
  /** Stops reading. */
  stop(): void;
}

/** The dependencies of a {@link ReadLoop}. */
export interface ReadLoopContext<Result> {
  /** The longest wait between two tries of a read that fails. */
  readonly maxRetryMs: number;
  /** Milliseconds after which it reads again, although nothing calls for it. */
  rereadMs(): number;
  random(): number;
  /** Whether there may be something new. */
  isBehind(): boolean;
  /** Makes `isBehind` true until the next read begins. */
  note(): void;
  /** Begins a read. */
  read(): Promise<Result>;
  /** Takes the result of a read. */
  onRead(result: Result): void;
  /** Takes the error of a failed read. @returns whether it is a result too, so that the read is not tried again. */
  isFinal(error: unknown): boolean;
  /** Called with the first failed read in a row, and with an error in what follows a read. */
  onError(error: unknown): void;
}

/** Makes a loop that does not read before `begin` is called. */
export function readLoop<Result>(context: ReadLoopContext<Result>): ReadLoop {
  const outage = createOutage(context.maxRetryMs, context.random);
  let isReading = true;
  let isStopped = false;
  let readAt = elapsed();
  /** The callers of `refresh` whose read has not begun. */
  let waiting: (() => void)[] = [];

  function readIfDue(): void {
    if (isReading || isStopped || elapsed() < outage.retryAt()) return;
    if (waiting.length === 0 && !context.isBehind()) return;
    // It handles every outcome of the read itself.
    void read();
  }

  async function read(): Promise<void> {
    isReading = true;
    const served = waiting;
    waiting = [];
    await context.read().then(readDone, readFailed).catch(context.onError);
    isReading = false;
    for (const resolve of served) resolve();
    readIfDue();
  }

  function readDone(result: Result): void {
    if (isStopped) return;
    outage.ended();
    readAt = elapsed();
    context.onRead(result);
  }

  function readFailed(error: unknown): void {
    if (isStopped || context.isFinal(error)) return;
    if (outage.failed()) context.onError(error);
    context.note();
    release();
  }

  function release(): void {
    const served = waiting;
    waiting = [];
    for (const resolve of served) resolve();
  }

  return {
    begin() {
      isReading = false;
      readAt = elapsed();
      readIfDue();
    },
    readIfDue,
    touch() {
      readAt = elapsed();
    },
    refresh() {
      if (isStopped || outage.isOn()) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
        readIfDue();
      });
    },
    tick(now) {
      if (now - readAt >= context.rereadMs()) context.note();
      readIfDue();
    },
    failingForMs: (now) => outage.durationMs(now),
    isStopped: () => isStopped,
    stop() {
      isStopped = true;
      release();
    },
  };
}
