import type { Cursor, ProgressError } from "@emlinh/progress-protocol";
import { clientGone, closedError, draining } from "../../shared/errors.js";
import { isGone, type RequestClient } from "../request-client.js";
import { catchUp, catchUpList, isBehind, jobLost, listLost } from "./catch-up.js";
import type { ListTopic } from "./list-topic.js";
import type { PendingRequests } from "./pending-requests.js";
import type { SharedHandle, SharedTopics } from "./shared-topics.js";
import type { StreamLimiter } from "./stream-limiter.js";
import type { Topic } from "./topic.js";

/** Keeps a topic open for one listener. */
export type TopicHandle = SharedHandle<Topic>;

/** Keeps the list of a subject open for one listener. */
export type ListHandle = SharedHandle<ListTopic>;

/** How a topic is joined. */
export interface JoinOptions {
  /** The reader's cursor. A replica that is behind it is read again first: the reader may come from another process. */
  readonly cursor?: Cursor | undefined;
  /** The client that a slot of the stream limiter is taken for. A watch by the server's own code has none. */
  readonly client?: RequestClient | undefined;
  /** Who reads, as far as the app said so. The slot counts for each of them, too. */
  readonly principals?: readonly string[] | undefined;
  /**
   * Whether it is one of many joins of a request, which has a slot already and waits for all of them together.
   * @defaultValue `false`
   */
  readonly isOneOfMany?: boolean | undefined;
}

/** How a list is joined. */
export interface JoinListOptions {
  readonly subject: string;
  /** The most jobs in it. */
  readonly limit: number;
  /** The tags of the lists that the reader has. If this one is not among them, it is read again first. */
  readonly seen: ReadonlySet<string>;
  /** The client, which has a slot already, and waits for all of its lists and jobs together. */
  readonly client: RequestClient;
}

/** The part of a hub that joins need. */
export interface JoinContext {
  readonly topics: SharedTopics<Topic>;
  readonly lists: SharedTopics<ListTopic>;
  readonly limiter: StreamLimiter;
  readonly pending: PendingRequests;
  readonly isDraining: boolean;
  readonly isClosed: boolean;
}

/** Joins the topic of a job; see `Hub.join`. */
export async function join(
  hub: JoinContext,
  jobId: string,
  { cursor, client, principals, isOneOfMany = false }: JoinOptions,
): Promise<TopicHandle> {
  if (hub.isClosed) throw progressClosed();
  const single = isOneOfMany ? undefined : client;
  const giveSlotBack = single && takeSlot(hub, { jobId, client: single, principals });
  const isKnown = hub.topics.has(jobId);
  const handle = hub.topics.join(jobId, giveSlotBack);
  const { topic } = handle;
  const until = waitFor(hub, single);
  try {
    if (!topic.isOpen()) await until(topic.opened);
    if (isKnown && isBehind(topic, cursor)) await until(catchUp(topic, cursor));
    // Readers that are here already are kept waiting. A new one had better try another process.
    if (client) requireServed(hub, client, topic.isLost() && jobLost(topic));
    return handle;
  } catch (error) {
    handle.leave();
    throw error;
  }
}

/** Joins a list; see `Hub.joinList`. */
export async function joinList(
  hub: JoinContext,
  { subject, limit, seen, client }: JoinListOptions,
): Promise<ListHandle> {
  if (hub.isClosed) throw progressClosed();
  const handle = hub.lists.join(`${limit} ${subject}`);
  const list = handle.topic;
  try {
    await list.opened;
    await catchUpList(list, seen);
    await list.settled();
    requireServed(hub, client, list.isLost() && listLost(list));
    return handle;
  } catch (error) {
    handle.leave();
    throw error;
  }
}

/** Ends the waits of a client that leaves. The server's own code has no client, and waits without an end. */
function waitFor({ pending }: JoinContext, client: RequestClient | undefined) {
  return <Result>(promise: Promise<Result>): Promise<Result> =>
    client ? pending.until(promise, client.signal) : promise;
}

function requireServed(hub: JoinContext, client: RequestClient, lost: ProgressError | false): void {
  if (lost) throw lost;
  if (hub.isDraining) throw draining();
  if (isGone(client)) throw clientGone();
}

interface SlotOptions {
  /** Absent for a request for many jobs: its slot counts for none of them. */
  readonly jobId?: string;
  readonly client: RequestClient;
  readonly principals: readonly string[] | undefined;
}

/** Takes a slot; see `Hub.takeSlot`. */
export function takeSlot(hub: JoinContext, { jobId, client, principals }: SlotOptions): () => void {
  if (hub.isClosed) throw progressClosed();
  if (hub.isDraining) throw draining();
  return hub.limiter.take({ jobId, connection: client.connection, principals });
}

function progressClosed(): ProgressError {
  return closedError("This progress");
}
