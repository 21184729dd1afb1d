import { isProgressError, type Listed, listedFrame, listedOf } from "@emlinh/progress-protocol";
import { asProgressError } from "../../shared/errors.js";
import { after, elapsed, type Timer } from "../../shared/time.js";
import { type Frame, frameOf } from "../frame.js";
import type { GuardedStore } from "../guarded-store.js";
import type { Settings } from "../options.js";
import type { JobPage, Unwatch } from "../store.js";
import { type ReadLoop, readLoop } from "./read-loop.js";
import type { SharedHandle } from "./shared-topics.js";
import { STORE_PATIENCE_MS, type Topic } from "./topic.js";

/** One that a list topic notifies. An error that it throws goes to `onError`. */
export interface ListListener {
  /**
   * The list has changed. The topics of the jobs that have joined it are told later, when they are open.
   *
   * @param left - The jobs that are in it no more.
   * @param at - The present time, by {@link elapsed}.
   */
  listChanged(left: readonly string[], at: number): void;
  /**
   * The topic of a job in the list is open now.
   *
   * @param now - The time of day by this process's clock, in milliseconds since the epoch.
   * @param at - The same moment by {@link elapsed}.
   */
  jobOpened(topic: Topic, now: number, at: number): void;
  /** The list could not be read for {@link STORE_PATIENCE_MS}. */
  storeLost(): void;
}

/** The list of one subject in this process, and the topics of the jobs in it, which all its listeners share. */
export interface ListTopic {
  readonly subject: string;
  /** Resolves when the list is watched, and was read with its jobs. @throws as the store does. */
  readonly opened: Promise<void>;
  readonly listeners: Set<ListListener>;
  /** The list as it was read last. */
  listed(): Listed;
  /** The bytes of its frame, which all readers share. */
  frame(): Frame;
  has(jobId: string): boolean;
  /** The open topics of the jobs in the list, in its order. A job that is gone, or can't be read, has none. */
  topics(): readonly Topic[];
  /**
   * Resolves when each job in the list was opened, or can't be.
   *
   * @throws ProgressError `store-unavailable` if one of them could not be read.
   */
  settled(): Promise<void>;
  /** Resolves after a read that began after this call, or at once while reads fail. @returns whether they succeed. */
  refresh(): Promise<boolean>;
  /** Whether the store may have changes that this list lacks. */
  isBehind(): boolean;
  /** Whether the list could not be read for {@link STORE_PATIENCE_MS}. */
  isLost(): boolean;
  tick(now: number): void;
  isClosed(): boolean;
  /** Ends the watch, and lets the topics go. Idempotent. */
  close(): void;
}

/**
 * Milliseconds between two reads that wakes lead to. Jobs that are created or removed in a burst change the list many
 * times, and each reader gets the whole list each time.
 */
const READ_INTERVAL_MS = 50;

/** The dependencies of a list topic. */
export interface ListTopicContext {
  readonly store: GuardedStore;
  readonly settings: Pick<Settings, "rereadMs" | "clock" | "random" | "onError">;
  /** Joins the topic of a job. */
  readonly joinJob: (jobId: string) => Promise<SharedHandle<Topic>>;
  /** Called once, when the watch has ended. */
  readonly onClosed: () => void;
}

/** One job of the list. */
interface ListedJob {
  readonly jobId: string;
  /** `undefined` while the topic is not open. */
  handle: SharedHandle<Topic> | undefined;
  /** Resolves when the topic was opened, or could not be. `undefined` when it is not being opened. */
  opening: Promise<void> | undefined;
  /** Why the topic could not be opened. */
  failure: unknown;
}

interface ListState extends ListTopicContext {
  readonly subject: string;
  readonly limit: number;
  readonly listeners: Set<ListListener>;
  readonly loop: ReadLoop;
  /** In the order of the list. */
  members: Map<string, ListedJob>;
  listed: Listed;
  frame: Frame | undefined;
  isBehind: boolean;
  /** Runs for {@link READ_INTERVAL_MS} after a wake. Until it ends, no other wake leads to a read. */
  interval: Timer | undefined;
  isClosed: boolean;
  unwatch: Unwatch | undefined;
}

/**
 * Watches the list of a subject, then reads it, so that no change is missed between the two. A wake leads to a read at
 * once, and the wakes of the next {@link READ_INTERVAL_MS} to one at their end.
 *
 * @param limit - The most jobs in it.
 */
export function createListTopic(
  { subject, limit }: { readonly subject: string; readonly limit: number },
  context: ListTopicContext,
): ListTopic {
  const { store, settings, joinJob, onClosed } = context;
  const read = (): Promise<JobPage> => store.list(subject, { limit });
  const loop = listLoop(settings, () => state, read);
  const state: ListState = {
    store,
    settings,
    joinJob,
    onClosed,
    subject,
    limit,
    listeners: new Set(),
    loop,
    members: new Map(),
    listed: listedOf({ subject, jobs: [], next: null }),
    frame: undefined,
    isBehind: false,
    interval: undefined,
    isClosed: false,
    unwatch: undefined,
  };
  const opened = open(state, read);
  // Every caller that joins awaits `opened`. If all of them have left, the error concerns no one.
  opened.catch(() => close(state));
  const isLost = (now: number): boolean => loop.failingForMs(now) >= STORE_PATIENCE_MS;
  return {
    subject,
    opened,
    listeners: state.listeners,
    listed: () => state.listed,
    frame() {
      state.frame ??= frameOf(listedFrame(state.listed));
      return state.frame;
    },
    has: (jobId) => state.members.has(jobId),
    topics: () => openTopics(state),
    settled: () => settled(state),
    refresh: loop.refresh,
    isBehind: () => state.isBehind,
    isLost: () => isLost(elapsed()),
    tick(now) {
      loop.tick(now);
      if (isLost(now)) notifyEach(state, (listener) => listener.storeLost());
    },
    isClosed: () => state.isClosed,
    close: () => close(state),
  };
}

function listLoop(
  { rereadMs, random }: ListTopicContext["settings"],
  stateOf: () => ListState,
  read: () => Promise<JobPage>,
): ReadLoop {
  const setBehind = (isBehind: boolean): void => {
    stateOf().isBehind = isBehind;
  };
  return readLoop<JobPage>({
    maxRetryMs: rereadMs,
    rereadMs: () => rereadMs,
    random,
    isBehind: () => stateOf().isBehind && stateOf().interval === undefined,
    note: () => setBehind(true),
    read() {
      setBehind(false);
      return read();
    },
    onRead: (page) => update(stateOf(), page),
    isFinal: () => false,
    onError: (error) => report(stateOf(), error),
  });
}

async function open(state: ListState, read: () => Promise<JobPage>): Promise<void> {
  const wake = (): void => {
    state.isBehind = true;
    readIfDue(state);
  };
  const unwatch = await state.store.watch({ subject: state.subject }, wake);
  if (state.isClosed) {
    void endWatch(state, unwatch);
    return;
  }
  state.unwatch = unwatch;
  update(state, await read());
  await settled(state);
  state.loop.begin();
}

function readIfDue(state: ListState): void {
  if (state.interval !== undefined || state.isClosed) return;
  state.loop.readIfDue();
  state.interval = after(READ_INTERVAL_MS, () => {
    state.interval = undefined;
    if (state.isBehind) readIfDue(state);
  });
}

/** Takes the list as it was read. The listeners get it before the jobs that have joined it. */
function update(state: ListState, { jobs, next }: JobPage): void {
  if (state.isClosed) return;
  const before = state.members;
  const listed = listedOf({ subject: state.subject, jobs, next: next ?? null });
  if (listed.tag !== state.listed.tag) {
    state.members = new Map(jobs.map((jobId) => [jobId, before.get(jobId) ?? newListedJob(jobId)]));
    state.listed = listed;
    state.frame = undefined;
    const gone = [...before.values()].filter(({ jobId }) => !state.members.has(jobId));
    const left = gone.map(({ jobId }) => jobId);
    const at = elapsed();
    notifyEach(state, (listener) => listener.listChanged(left, at));
    for (const { handle } of gone) handle?.leave();
  }
  for (const member of state.members.values()) openListedJob(state, member);
}

function newListedJob(jobId: string): ListedJob {
  return { jobId, handle: undefined, opening: undefined, failure: undefined };
}

/** Opens the topic of a job, unless it is open. If that fails, it is tried again at each read of the list. */
function openListedJob(state: ListState, member: ListedJob): void {
  if (member.opening !== undefined || member.handle?.topic.isClosed() === false) return;
  member.handle?.leave();
  member.handle = undefined;
  member.opening = joinListedJob(state, member).finally(() => {
    member.opening = undefined;
  });
}

/** Never rejects. */
async function joinListedJob(state: ListState, member: ListedJob): Promise<void> {
  try {
    const handle = await state.joinJob(member.jobId);
    member.failure = undefined;
    if (state.members.get(member.jobId) !== member || state.isClosed) {
      handle.leave();
      return;
    }
    member.handle = handle;
    const [now, at] = [state.settings.clock(), elapsed()];
    notifyEach(state, (listener) => listener.jobOpened(handle.topic, now, at));
  } catch (error) {
    // A job that is gone leaves the list with the next read.
    const isGone = isProgressError(error, "job-not-found") || isProgressError(error, "job-expired");
    const isNew = member.failure === undefined;
    member.failure = error;
    if (!isGone && isNew && !state.isClosed) report(state, error);
  }
}

function openTopics({ members }: ListState): readonly Topic[] {
  return [...members.values()].flatMap(({ handle }) => handle?.topic ?? []);
}

async function settled({ members }: ListState): Promise<void> {
  const all = [...members.values()];
  await Promise.all(all.map(({ opening }) => opening));
  const failed = all.find(({ failure }) => isProgressError(failure, "store-unavailable"));
  if (failed !== undefined) throw failed.failure;
}

/** Notifies the listeners, of which any may leave meanwhile. */
function notifyEach(state: ListState, notify: (listener: ListListener) => void): void {
  for (const listener of [...state.listeners]) {
    try {
      notify(listener);
    } catch (error) {
      report(state, error);
    }
  }
}

function close(state: ListState): void {
  if (state.isClosed) return;
  state.isClosed = true;
  state.loop.stop();
  clearTimeout(state.interval);
  if (state.unwatch !== undefined) void endWatch(state, state.unwatch);
  for (const { handle } of state.members.values()) handle?.leave();
  state.onClosed();
}

async function endWatch(state: ListState, unwatch: Unwatch): Promise<void> {
  // Nothing waits for it: a wake that still comes finds the list closed.
  try {
    await unwatch();
  } catch (error) {
    report(state, error);
  }
}

function report({ subject, settings }: ListState, error: unknown): void {
  settings.onError(asProgressError(error, `The list of the subject "${subject}" failed.`));
}
