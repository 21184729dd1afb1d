import type { FeedTargets } from "../core/feed/feed.js";
import type { Schedule } from "../transports/http.js";
import type { TabGroup } from "./group.js";
import { requestLock } from "./leadership.js";

/** The time in which the other pages tell their targets to a new leader, so that it opens one connection. */
const GATHER_MS = 250;

/** The pages whose targets the leader watches. */
export interface Participants {
  /** Whether there are others than the leader. */
  readonly hasOthers: boolean;
  /** Takes the targets of a page. @returns whether the page is new. */
  set(id: string, targets: FeedTargets): boolean;
}

/** The surroundings of the participants. */
export interface ParticipantsContext {
  readonly group: TabGroup;
  /** The leader. */
  readonly id: string;
  readonly schedule: Schedule;
  /** Aborts when the leader leaves. */
  readonly signal: AbortSignal;
  /** Called with the targets of all pages when they have changed. */
  onTargets(targets: FeedTargets): void;
}

/**
 * Keeps the targets of each page as long as the page holds its own lock. A page that was closed or crashed releases
 * it at once.
 */
export function groupParticipants({
  group,
  id,
  schedule,
  signal,
  onTargets,
}: ParticipantsContext): Participants {
  const participants = new Map<string, FeedTargets>();
  let isGathering = true;
  /** The pages that there were at the beginning; `undefined` until they are known. */
  let present: readonly string[] | undefined;
  let last = "";

  function change(): void {
    if (present?.every((page) => participants.has(page))) isGathering = false;
    if (isGathering || signal.aborted) return;
    const all = unionOf([...participants.values()]);
    const next = JSON.stringify([[...all.jobs].sort(), [...all.subjects].sort(), all.limit]);
    if (next === last) return;
    last = next;
    onTargets(all);
  }

  function drop(page: string): undefined {
    participants.delete(page);
    change();
  }

  async function gather(): Promise<void> {
    present = await group.participants().catch(() => []);
    signal.addEventListener(
      "abort",
      schedule(() => {
        isGathering = false;
        change();
      }, GATHER_MS),
    );
    change();
  }

  void gather();
  return {
    get hasOthers() {
      return participants.size > (participants.has(id) ? 1 : 0);
    },
    set(page, targets) {
      const isNew = !participants.has(page);
      participants.set(page, targets);
      // The lock is granted when the page has gone.
      if (isNew && page !== id)
        requestLock(group.locks, group.lockOf(page), { signal }, () => drop(page)).catch(() => {});
      change();
      return isNew;
    },
  };
}

/** The targets of several pages as one. Its lists are as long as the longest that is asked for. */
function unionOf(all: readonly FeedTargets[]): FeedTargets {
  const jobs = new Set(all.flatMap((targets) => targets.jobs));
  const subjects = new Set(all.flatMap((targets) => targets.subjects));
  const withLists = all.filter((targets) => targets.subjects.length > 0);
  const limits = (withLists.length > 0 ? withLists : all).map(({ limit }) => limit);
  return { jobs: [...jobs], subjects: [...subjects], limit: Math.max(...limits) };
}
