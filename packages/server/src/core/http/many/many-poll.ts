import { isEmpty, type ManyReply, type Refused, toJobWire } from "@emlinh/progress-protocol";
import { type HeldRequest, untilAnswer } from "../held-request.js";
import {
  type Followed,
  type FollowedJob,
  type Follower,
  followTargets,
  unfollow,
} from "./followed.js";
import { type JoinedTargets, readsTarget } from "./join-targets.js";
import type { Targets } from "./read-targets.js";

/** A poll of many jobs that is held until there is something to answer. */
export interface HeldManyPoll extends Omit<HeldRequest, "reads"> {
  readonly joined: JoinedTargets;
  readonly targets: Targets;
  /** The targets that the reader does not get: an answer, too. */
  readonly refused: readonly Refused[];
}

/** The part of an answer that is known without the time. */
export type ManyNews = Omit<ManyReply, "now">;

/** Waits until something has changed, or as {@link untilAnswer} says. Then leaves the topics (P67). */
export async function holdManyPoll(poll: HeldManyPoll): Promise<ManyNews> {
  const { joined, targets } = poll;
  let { refused } = poll;
  let wakeUp = (): void => {};
  const follower: Follower = {
    jobChanged: () => wakeUp(),
    listChanged: () => wakeUp(),
    jobDropped: () => {},
    jobRefused(one) {
      refused = [...refused, one];
      wakeUp();
    },
    storeLost: () => wakeUp(),
  };
  const followed = followTargets(follower, joined, targets);
  const isLost = (): boolean =>
    [...joined.jobs, ...joined.lists].some(({ topic }) => topic.isLost() || topic.isClosed());
  try {
    const outcome = await untilAnswer(
      { ...poll, reads: (target) => readsTarget(joined, target) },
      {
        hasAnswer: () => refused.length > 0 || isLost() || hasNews(followed),
        listen(wake) {
          wakeUp = wake;
          return () => unfollow(followed);
        },
      },
    );
    if (outcome === "revoked") return { listed: [], jobs: [], refused: [] };
    return { listed: listsOf(followed), jobs: deltasOf(followed), refused };
  } finally {
    joined.leave();
  }
}

function hasNews(followed: Followed): boolean {
  return listsOf(followed).length > 0 || [...followed.jobs.values()].some(isNew);
}

function listsOf({ lists }: Followed): ManyReply["listed"] {
  return lists.flatMap(({ list, tag }) => (list.listed().tag === tag ? [] : list.listed()));
}

function deltasOf({ jobs }: Followed): ManyReply["jobs"] {
  const changed = [...jobs.values()].filter(isNew);
  return changed.map(({ topic, cursor }) => toJobWire(topic.jobId, topic.deltaAfter(cursor)));
}

/** Most jobs have not changed, and cost a comparison. */
function isNew({ topic, cursor }: FollowedJob): boolean {
  return topic.replica.cursor !== cursor && !isEmpty(topic.deltaAfter(cursor));
}
