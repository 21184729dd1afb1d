import { type Cursor, type ProgressError, parseCursor } from "@emlinh/progress-protocol";
import { storeUnavailable } from "../../shared/errors.js";
import type { ListTopic } from "./list-topic.js";
import type { Topic } from "./topic.js";

/** Whether the store, or a reader, may have changes that a topic lacks. */
export function isBehind(topic: Topic, cursor: Cursor | undefined): boolean {
  return topic.isBehind() || !holds(topic, cursor);
}

/**
 * Reads a topic again if it may be behind a reader's cursor: the reader may come from another process. While the job
 * can't be read, a reader that may have a later state is refused. Others are given what is known.
 *
 * @throws ProgressError `store-unavailable`
 */
export async function catchUp(topic: Topic, cursor: Cursor | undefined): Promise<void> {
  if (!isBehind(topic, cursor)) return;
  const canRead = await topic.refresh();
  if (!canRead && !holds(topic, cursor)) throw jobLost(topic);
}

/**
 * The same for a list.
 *
 * @param seen - The tags of the lists that the reader has.
 * @throws ProgressError `store-unavailable`
 */
export async function catchUpList(list: ListTopic, seen: ReadonlySet<string>): Promise<void> {
  const isUnseen = (): boolean => seen.size > 0 && !seen.has(list.listed().tag);
  if (!list.isBehind() && !isUnseen()) return;
  const canRead = await list.refresh();
  if (!canRead && isUnseen()) throw listLost(list);
}

/** Whether a topic's replica is not behind a reader's cursor. A cursor of another epoch may be of a later one. */
function holds(topic: Topic, cursor: Cursor | undefined): boolean {
  const parts = parseCursor(cursor);
  if (parts === undefined) return true;
  const { epoch, version } = topic.replica;
  return parts.epoch === epoch && parts.version <= version;
}

/** The error for a reader of a job that can't be read. */
export function jobLost({ jobId }: Topic): ProgressError {
  return storeLost(`The job "${jobId}"`);
}

/** The error for a reader of a list that can't be read. */
export function listLost({ subject }: ListTopic): ProgressError {
  return storeLost(`The list of the subject "${subject}"`);
}

function storeLost(what: string): ProgressError {
  return storeUnavailable(
    `${what} could not be read. Check that the store's database can be reached.`,
  );
}
