import {
  applyDelta,
  emptyReplica,
  type Listed,
  parseCursor,
  type Refused,
  type Replica,
} from "@emlinh/progress-protocol";
import type { FeedReceiver } from "../../../src/core/feed/feed.js";

/** A receiver that keeps everything, and notes each step back. */
export interface TestReceiver extends FeedReceiver {
  readonly replicas: Map<string, Replica>;
  readonly lists: Map<string, Listed>;
  readonly refusals: Refused[];
  /** The numbers of the lines that were shown of each job and epoch, in order. */
  readonly lines: Map<string, number[]>;
  /** One text for each state that was older than the one before. */
  readonly stepsBack: string[];
  readonly statuses: string[];
  readyCount: number;
  lastConnection: Parameters<FeedReceiver["connection"]>[0] | undefined;
}

/** Epochs of a test are `epoch1`, `epoch2` and so on. */
const epochNumber = (epoch: string | undefined) => Number(epoch?.slice("epoch".length) || 0);

export function testReceiver(): TestReceiver {
  const replicas = new Map<string, Replica>();
  const lists = new Map<string, Listed>();
  const lines = new Map<string, number[]>();
  const stepsBack: string[] = [];
  const statuses: string[] = [];
  const refusals: Refused[] = [];

  /** Notes the new lines as a view shows them: those after the last one of the epoch. */
  function showLines(job: string, { epoch, log }: Replica): void {
    const shown = lines.get(`${job} ${epoch}`) ?? [];
    lines.set(`${job} ${epoch}`, shown);
    for (const { n } of log) if (n > (shown.at(-1) ?? 0)) shown.push(n);
  }

  const receiver: TestReceiver = {
    ...{ replicas, lists, lines, stepsBack, statuses, refusals },
    readyCount: 0,
    lastConnection: undefined,
    cursorOf: (job) => replicas.get(job)?.cursor,
    listOf: (subject) => lists.get(subject),
    receive({ job, delta }) {
      const replica = replicas.get(job) ?? emptyReplica();
      const before = parseCursor(replica.cursor);
      const applied = applyDelta(replica, delta);
      if (applied === "unknown-epoch") return applied;
      replicas.set(job, replica);
      const after = parseCursor(replica.cursor);
      const older =
        epochNumber(after?.epoch) - epochNumber(before?.epoch) ||
        (after?.version ?? 0) - (before?.version ?? 0);
      if (older < 0) stepsBack.push(`${job}: ${delta.cursor} after ${JSON.stringify(before)}`);
      showLines(job, replica);
      return applied;
    },
    listed: (list) => void lists.set(list.subject, list),
    refused: (one) => void refusals.push(one),
    serverTime: () => {},
    ready() {
      receiver.readyCount += 1;
    },
    connection(state) {
      receiver.lastConnection = state;
      statuses.push(state.status);
    },
  };
  return receiver;
}
