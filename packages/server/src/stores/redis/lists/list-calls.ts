import { textOf } from "../client.js";
import { type RedisKeys, slotOf } from "../keys.js";
import { integerText, type RedisScripts } from "../lua/scripts.js";
import type { RunScript } from "../run-script.js";
import {
  entriesOf,
  entryText,
  type JobIncarnation,
  type ListEntry,
  type Place,
} from "./list-entry.js";

/** Some entries of a list. */
export interface ListedEntries {
  readonly subject: string;
  /** The time of the subject's server, in microseconds since the epoch. */
  readonly now: number;
  readonly entries: readonly ListEntry[];
}

/** The calls of the scripts for lists: one command each, except for `epochs`. */
export interface ListCalls {
  /** Adds an entry. Resolves with its place, and with some other entries, chosen at random. */
  add(subject: string, job: JobIncarnation): Promise<Place & { readonly sample: ListedEntries }>;
  /** Keeps an entry for some milliseconds, and adds it again if it was lost. */
  keep(place: Place, job: JobIncarnation, keepMs: number): Promise<unknown>;
  remove(
    subject: string,
    jobs: readonly JobIncarnation[],
    options: RemoveOptions,
  ): Promise<unknown>;
  announce(subject: string): Promise<unknown>;
  /** Reads at most `count` entries below a position, the highest first. */
  read(subject: string, below: number, count: number): Promise<ListedEntries>;
  /** The epochs of jobs, "" for one that does not exist: one command per slot of the store, all at once. */
  epochs(jobIds: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

/** How {@link ListCalls.remove} removes entries. */
interface RemoveOptions {
  /** Whether to wake the watchers. */
  readonly wakes: boolean;
}

/** Options of {@link listCalls}. */
export interface ListCallsOptions {
  readonly run: RunScript;
  readonly scripts: RedisScripts;
  readonly keys: RedisKeys;
  /** Milliseconds for which a list is kept after an entry was added. */
  readonly keepMs: number;
}

/**
 * Entries of other jobs that each new one looks at. More entries are checked than added, so a list that nobody reads
 * does not fill up with entries of jobs that are gone.
 */
const SAMPLE_SIZE = 2;

/** The calls for one store. */
export function listCalls({ run, scripts, keys, keepMs }: ListCallsOptions): ListCalls {
  return {
    async add(subject, job) {
      const args = [entryText(job), integerText(keepMs), String(SAMPLE_SIZE)];
      const reply = await run(scripts.addToList, [keys.ofSubject(subject).list], args);
      const [position, now, sample] = reply as readonly unknown[];
      return {
        subject,
        position: Number(textOf(position)),
        sample: { subject, now: Number(now), entries: entriesOf(textsOf(sample)) },
      };
    },

    keep({ subject, position }, job, forMs) {
      const { list, channel } = keys.ofSubject(subject);
      const args = [channel, entryText(job), integerText(forMs), String(position)];
      return run(scripts.keepInList, [list], args);
    },

    remove(subject, jobs, { wakes }) {
      const { list, channel } = keys.ofSubject(subject);
      return run(scripts.removeFromList, [list], [wakes ? channel : "", ...jobs.map(entryText)]);
    },

    announce(subject) {
      const { list, channel } = keys.ofSubject(subject);
      return run(scripts.announceList, [list], [channel]);
    },

    async read(subject, below, count) {
      const args = [Number.isFinite(below) ? `(${below}` : "+inf", integerText(count)];
      const reply = await run(scripts.readList, [keys.ofSubject(subject).list], args);
      const [now, entries] = reply as readonly unknown[];
      return { subject, now: Number(now), entries: entriesOf(textsOf(entries)) };
    },

    async epochs(jobIds) {
      const epochs = new Map<string, string>();
      const readEpochs = async (ids: readonly string[]): Promise<void> => {
        const jobs = ids.map((jobId) => keys.of(jobId).job);
        const found = textsOf(await run(scripts.readEpochs, jobs, []));
        for (const [at, jobId] of ids.entries()) epochs.set(jobId, found[at] ?? "");
      };
      await Promise.all(groupsBySlot(jobIds).map(readEpochs));
      return epochs;
    },
  };
}

function groupsBySlot(jobIds: readonly string[]): readonly (readonly string[])[] {
  const groups = new Map<number, string[]>();
  for (const jobId of new Set(jobIds)) {
    const group = groups.get(slotOf(jobId));
    if (group === undefined) groups.set(slotOf(jobId), [jobId]);
    else group.push(jobId);
  }
  return [...groups.values()];
}

function textsOf(reply: unknown): readonly string[] {
  return (reply as readonly unknown[]).map(textOf);
}
