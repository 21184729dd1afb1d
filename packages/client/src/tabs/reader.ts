import type { Cursor } from "@emlinh/progress-protocol";
import type { FeedReceiver, FeedTargets } from "../core/feed/feed.js";
import type { Ask, Term, Update } from "./messages.js";
import { type Recipient, takeContinuing, takeData, wantedBy } from "./take-data.js";

/** Takes the updates of the leader into the receiver of one feed. The leader's own feed has one too. */
export interface Reader {
  /** The targets of the feed. */
  targets: FeedTargets;
  /** The latest term that is known. */
  readonly term: Term;
  /** Returns a question about everything that the receiver lacks. */
  ask(id: string, refresh: boolean): Ask;
  /**
   * Takes an update.
   *
   * - `old`: it is of an earlier term. Until the present leader has brought everything, data that continue those of the
   *   receiver were taken.
   * - `taken`: nothing is missing.
   * - `lacking`: the leader has to be asked, because it is a new one, or changes are missing.
   *
   * @param id - The page that asked the questions.
   */
  take(update: Update, id: string): "old" | "taken" | "lacking";
}

/** The targets of an idle feed. */
export const NO_TARGETS: FeedTargets = { jobs: [], subjects: [], limit: 0 };

/** Makes a reader that has no targets yet. */
export function updateReader(receiver: FeedReceiver): Reader {
  const recipient = { receiver, targets: NO_TARGETS };
  let term: Term = { since: 0, id: "" };
  /** The number of the last question. */
  let count = 0;
  /** Whether the present leader was asked and has not answered yet. Its answer brings everything that is missing. */
  let isAsking = false;
  let lastReady = 0;

  return {
    get targets() {
      return recipient.targets;
    },
    set targets(targets) {
      recipient.targets = targets;
    },
    get term() {
      return term;
    },

    ask(id, refresh) {
      count += 1;
      isAsking = true;
      return { kind: "ask", id, count, refresh, ...positionOf(recipient) };
    },

    take(update, id) {
      const isOwn = update.to?.id === id;
      const isForAll = !update.to;
      if (isEarlier(update.term, term)) {
        // The lock of a leader that leaves may be granted before its last message arrives.
        if (lastReady === 0 && (isOwn || isForAll)) takeContinuing(recipient, update);
        return "old";
      }
      const isNewLeader = isEarlier(term, update.term);
      const isAnswer = isOwn && update.to?.count === count;
      term = update.term;
      if (isNewLeader) lastReady = 0;
      if (isNewLeader || isAnswer) isAsking = false;
      const hasGap = isOwn || isForAll ? takeData(recipient, update) : false;
      const isLacking = hasGap || (isNewLeader && !isAnswer);
      if (isNewLeader || update.deltas.length === 0) receiver.serverTime(update.now);
      if (!isAsking && !isLacking && update.ready > 0 && update.ready !== lastReady) {
        lastReady = update.ready;
        receiver.ready();
      }
      return isLacking && !isAsking ? "lacking" : "taken";
    },
  };
}

/** The targets of a recipient, and what it has of them. */
function positionOf(recipient: Recipient): Pick<Ask, "targets" | "cursors" | "seen"> {
  const { receiver, targets } = recipient;
  const cursors: Record<string, Cursor> = {};
  for (const job of wantedBy(recipient)) {
    const cursor = receiver.cursorOf(job);
    if (cursor !== undefined) cursors[job] = cursor;
  }
  const seen = targets.subjects.flatMap((subject) => receiver.listOf(subject)?.tag ?? []);
  return { targets, cursors, seen };
}

function isEarlier(first: Term, second: Term): boolean {
  return first.since < second.since || (first.since === second.since && first.id < second.id);
}
