import { type Cursor, JOB_ID, parseCursor } from "@emlinh/progress-protocol";
import type { Unwatch, Wake } from "../../core/store.js";
import { after, type Timer, within } from "../../shared/time.js";
import { watchers } from "../shared/watchers.js";
import { messageOf, unavailable } from "./ask.js";
import { pooledListener } from "./listener.js";
import { hintsOf, type PostgresHint } from "./notify-batcher.js";
import type { PostgresSettings } from "./options.js";

/** The watches of one process, and how it learns of what others write. */
export interface PostgresWatches {
  watch(jobId: string, wake: Wake): Unwatch;
  /** A job was written to: wakes those who watch it, unless they were woken for that. */
  told(hint: PostgresHint): void;
  close(): Promise<void>;
}

/** What {@link postgresWatches} needs to know. */
export interface WatchContext
  extends Pick<PostgresSettings, "pool" | "listener" | "names" | "pollMs" | "onError"> {
  readonly sender: string;
  /** Where the jobs stand: their ids and cursors, without those that are not there. */
  readonly look: (jobIds: readonly string[]) => Promise<ReadonlyMap<string, Cursor>>;
}

interface Watched {
  watches: number;
  /** Where the job stood when it was last looked at, or heard of: `null` if it wasn't there, `undefined` before that. */
  at: Cursor | null | undefined;
}

/** While the listener hears, looking is only for what a crash kept from being told. */
const SELDOM = 10;

/** A look that takes longer has failed: its connection may have been cut without a word. */
const LOOK_TIMEOUT_MS = 10_000;

const CLOSE_TIMEOUT_MS = 2_000;

/**
 * A watch is in force from the moment at which it is added: all that follows is found by the next look at the latest. The listener, which starts with the
 * first watch, only makes it faster; when it begins to hear, and after each cut, all watchers are woken.
 */
export function postgresWatches(context: WatchContext): PostgresWatches {
  const { sender, names, pollMs, look } = context;
  const listener = context.listener ?? pooledListener(context.pool);
  const wakes = watchers();
  const watched = new Map<string, Watched>();
  const troubles = { listening: outage(context.onError), looking: outage(context.onError) };
  let listening: Promise<{ unlisten(): Promise<unknown> } | undefined> | undefined;
  let hears = false;
  /** Looks in a row that found a change while the listener heard nothing at all. */
  let unheard = 0;
  let timer: Timer | undefined;
  let busy = false;
  let closed = false;

  function told({ jobId, cursor }: PostgresHint): void {
    const job = watched.get(jobId);
    if (job === undefined) return;
    const version = advance(job, cursor);
    if (version !== false) wakes.wake(jobId, version);
  }

  function wakeAll(): void {
    // What happened meanwhile isn't known: so neither is where the jobs stand.
    for (const job of watched.values()) job.at = undefined;
    wakes.wakeAll();
  }

  function hear(payload: string): void {
    unheard = 0;
    for (const hint of hintsOf(sender, payload)) told(hint);
  }

  function listen(): void {
    if (listener === false || listening !== undefined) return;
    listening = Promise.resolve(listener.listen(names.channel, hear, heard)).catch((error) => {
      heard(error);
      // The next watch tries again.
      listening = undefined;
      return undefined;
    });
  }

  function heard(trouble?: unknown): void {
    if (closed) return;
    hears = trouble === undefined;
    if (hears) {
      troubles.listening.over();
      wakeAll();
    } else {
      troubles.listening.report(
        `Listening on PostgreSQL was cut off (${messageOf(trouble)}): it is tried again, and changes are found by looking meanwhile.`,
        trouble,
      );
    }
    schedule();
  }

  function clearTimer(): void {
    clearTimeout(timer);
    timer = undefined;
  }

  function schedule(): void {
    clearTimer();
    if (closed || busy || watched.size === 0 || pollMs === Number.POSITIVE_INFINITY) return;
    const ms = hears ? pollMs * SELDOM : pollMs;
    timer = after(ms, () => void lookAround());
  }

  async function lookAround(): Promise<void> {
    busy = true;
    timer = undefined;
    try {
      const jobIds = [...watched.keys()].filter((jobId) => JOB_ID.test(jobId));
      const found = await within(LOOK_TIMEOUT_MS, look(jobIds));
      if (troubles.looking.over()) wakeAll();
      const changes = jobIds.filter((jobId) => lookedAt(jobId, found.get(jobId) ?? null));
      if (hears && changes.length > 0) notHeard();
    } catch (error) {
      troubles.looking.report(
        `The watched jobs could not be looked at (${messageOf(error)}): it is tried again.`,
        error,
      );
    }
    busy = false;
    schedule();
  }

  /**
   * A listener whose connection goes through PgBouncer in transaction mode believes that it listens, and is told nothing, or something by chance. It isn't
   * relied on any more, unless it connects anew.
   */
  function notHeard(): void {
    unheard += 1;
    if (unheard < 2) return;
    heard(
      new Error("it hears nothing of what is written; does its connection go through a pooler?"),
    );
  }

  /** Gives whether there was a change where the job had been seen before. */
  function lookedAt(jobId: string, at: Cursor | null): boolean {
    const job = watched.get(jobId);
    if (job === undefined || job.at === at) return false;
    if (at !== null && job.at !== undefined && job.at !== null) {
      const before = job.at;
      told({ jobId, cursor: at });
      return job.at !== before;
    }
    // Not seen before, removed, or made anew.
    job.at = at;
    wakes.wake(jobId);
    return false;
  }

  async function endListening(): Promise<void> {
    await (await listening)?.unlisten();
  }

  return {
    told,
    watch(jobId, wake) {
      const job = watched.get(jobId) ?? { watches: 0, at: undefined };
      job.watches += 1;
      watched.set(jobId, job);
      const remove = wakes.add(jobId, wake);
      if (timer === undefined) schedule();
      listen();
      let ended = false;
      return async () => {
        await remove();
        if (ended) return;
        ended = true;
        job.watches -= 1;
        if (job.watches > 0 || watched.get(jobId) !== job) return;
        watched.delete(jobId);
        if (watched.size === 0) clearTimer();
      };
    },
    async close() {
      closed = true;
      clearTimer();
      wakes.clear();
      watched.clear();
      // The connection may be beyond all answers.
      await within(CLOSE_TIMEOUT_MS, endListening()).catch(() => {});
    },
  };
}

/** Moves a job to where it is now. Gives the version to wake with: `undefined` for none, `false` for no wake at all, since that was told. */
function advance(job: Watched, cursor: Cursor | undefined): number | undefined | false {
  const [from, to] = [parseCursor(job.at), parseCursor(cursor)];
  if (to === undefined) {
    job.at = undefined;
    return undefined;
  }
  if (from !== undefined && from.epoch === to.epoch && from.version >= to.version) return false;
  job.at = cursor;
  return from === undefined || from.epoch === to.epoch ? to.version : undefined;
}

/** Reports the first of the troubles in a row. */
function outage(onError: WatchContext["onError"]): {
  report(message: string, cause: unknown): void;
  /** Whether there was one. */
  over(): boolean;
} {
  let isOut = false;
  return {
    report(message, cause) {
      if (!isOut) onError(unavailable(message, cause));
      isOut = true;
    },
    over() {
      const was = isOut;
      isOut = false;
      return was;
    },
  };
}
