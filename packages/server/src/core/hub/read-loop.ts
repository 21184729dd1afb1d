import { createOutage, type Outage } from "../../shared/outage.js";
import { elapsed } from "../../shared/time.js";

/** Reads something of a store again and again: at most one read at a time, and one that waits for its turn. */
export interface ReadLoop {
  /** Ends the first read, which the caller does itself. Until then nothing is read. */
  begin(): void;
  /** Reads now if it is needed and possible. */
  readIfDue(): void;
  /** Notes that something was learned without a read. */
  touch(): void;
  /** Resolves after a read that began after this call, or at once while reads fail. @returns whether they succeed. */
  refresh(): Promise<boolean>;
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

interface LoopState<Result> {
  readonly context: ReadLoopContext<Result>;
  readonly outage: Outage;
  isReading: boolean;
  isStopped: boolean;
  readAt: number;
  /** The callers of `refresh` whose read has not begun. */
  waiting: (() => void)[];
}

/** Makes a loop that does not read before `begin` is called. */
export function readLoop<Result>(context: ReadLoopContext<Result>): ReadLoop {
  const state: LoopState<Result> = {
    context,
    outage: createOutage(context.maxRetryMs, context.random),
    isReading: true,
    isStopped: false,
    readAt: elapsed(),
    waiting: [],
  };
  const { outage } = state;
  return {
    begin() {
      state.isReading = false;
      state.readAt = elapsed();
      readIfDue(state);
    },
    readIfDue: () => readIfDue(state),
    touch() {
      state.readAt = elapsed();
    },
    async refresh() {
      if (!state.isStopped && !outage.isOn()) await nextRead(state);
      return !outage.isOn();
    },
    tick(now) {
      if (now - state.readAt >= context.rereadMs()) context.note();
      readIfDue(state);
    },
    failingForMs: (now) => outage.durationMs(now),
    isStopped: () => state.isStopped,
    stop() {
      state.isStopped = true;
      release(state);
    },
  };
}

function nextRead<Result>(state: LoopState<Result>): Promise<void> {
  return new Promise((resolve) => {
    state.waiting.push(resolve);
    readIfDue(state);
  });
}

function readIfDue<Result>(state: LoopState<Result>): void {
  const { context, isReading, isStopped, waiting, outage } = state;
  if (isReading || isStopped || elapsed() < outage.retryAt()) return;
  if (waiting.length === 0 && !context.isBehind()) return;
  // It handles every outcome of the read itself.
  void read(state);
}

async function read<Result>(state: LoopState<Result>): Promise<void> {
  const { context, waiting } = state;
  state.isReading = true;
  state.waiting = [];
  const answer = context.read();
  await answer
    .then(
      (result) => readDone(state, result),
      (error) => readFailed(state, error),
    )
    .catch((error) => context.onError(error));
  state.isReading = false;
  for (const resolve of waiting) resolve();
  readIfDue(state);
}

function readDone<Result>(state: LoopState<Result>, result: Result): void {
  if (state.isStopped) return;
  state.outage.ended();
  state.readAt = elapsed();
  state.context.onRead(result);
}

function readFailed<Result>(state: LoopState<Result>, error: unknown): void {
  const { context, isStopped, outage } = state;
  if (isStopped || context.isFinal(error)) return;
  if (outage.failed()) context.onError(error);
  context.note();
  release(state);
}

function release<Result>(state: LoopState<Result>): void {
  const { waiting } = state;
  state.waiting = [];
  for (const resolve of waiting) resolve();
}
