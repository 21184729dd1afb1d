import type { JobTypes } from "@emlinh/progress-protocol";
import type { JobConnection } from "../connection/connection.js";
import { type ServerClock, serverClock } from "../connection/server-clock.js";
import type { Feed, FeedReceiver, OpenFeed } from "../feed/feed.js";
import type { ResolvedWatchOptions } from "../options.js";
import { type FeedAccess, type FeedMember, feedMember, type MemberContext } from "./feed-member.js";

/** One feed for the jobs of a manager. */
export interface SharedFeed {
  /** Makes the connection of one job. It is idle. */
  connect<Job extends JobTypes>(context: MemberContext<Job>): JobConnection<Job>;
  /** Closes the feed for good. Idempotent. */
  close(): void;
}

/** @param openFeed - Is called when the first job is watched. */
export function sharedFeed(options: ResolvedWatchOptions, openFeed: OpenFeed): SharedFeed {
  const members = feedMembers();
  const server = serverClock(options.clock);
  let feed: Feed | undefined;

  const { of } = members;

  const receiver = receiverFor(members, server);

  function opened(): Feed {
    feed ??= openFeed(options, receiver);
    return feed;
  }

  function setTargets(): void {
    opened().setTargets({ jobs: members.jobs(), subjects: [], limit: 1 });
  }

  const access: FeedAccess = {
    get connection() {
      return opened().connection;
    },
    now: server.now,
    join(member) {
      const [other] = of(member.jobId);
      members.add(member);
      setTargets();
      if (opened().connection.status === "closed") opened().refresh();
      // The feed sends a job's present state once, so a further member gets it here.
      const delta = other?.snapshotDelta();
      if (delta) member.receive(delta, server.now());
      if (other?.isServed) member.serve();
    },
    leave(member) {
      if (members.delete(member)) setTargets();
    },
    refresh: () => opened().refresh(),
  };

  return {
    connect: (context) => feedMember(options, access, context),
    close: () => feed?.close(),
  };
}

/** The members that have joined, by job. A watch that was replaced may have started again, so there may be several. */
interface FeedMembers {
  of(jobId: string): readonly FeedMember[];
  all(): readonly FeedMember[];
  jobs(): readonly string[];
  add(member: FeedMember): void;
  /** @returns whether it had joined. */
  delete(member: FeedMember): boolean;
}

function feedMembers(): FeedMembers {
  const byJob = new Map<string, readonly FeedMember[]>();
  const of = (jobId: string): readonly FeedMember[] => byJob.get(jobId) ?? [];
  return {
    of,
    all: () => [...byJob.values()].flat(),
    jobs: () => [...byJob.keys()],
    add(member) {
      byJob.set(member.jobId, [...of(member.jobId), member]);
    },
    delete(member) {
      const all = of(member.jobId);
      const others = all.filter((other) => other !== member);
      if (others.length > 0) byJob.set(member.jobId, others);
      else byJob.delete(member.jobId);
      return others.length < all.length;
    },
  };
}

/** Passes on what the feed brings to the members that have joined. */
function receiverFor({ of, all }: FeedMembers, server: ServerClock): FeedReceiver {
  return {
    cursorOf(jobId) {
      const cursors = new Set(of(jobId).map(({ cursor }) => cursor));
      return cursors.size === 1 ? [...cursors][0] : undefined;
    },
    listOf: () => undefined,
    receive({ job, delta }, now) {
      const outcomes = of(job).map((member) => member.receive(delta, now));
      return outcomes.find((applied) => applied !== "known") ?? "known";
    },
    listed() {},
    refused(refused) {
      for (const member of of(refused.job ?? "")) member.refuse(refused);
    },
    serverTime(now) {
      server.set(now);
      for (const member of all()) member.serverTime(now);
    },
    ready() {
      for (const member of all()) member.serve();
    },
    connection() {
      for (const member of all()) member.feedChanged();
    },
  };
}
