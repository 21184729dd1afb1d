import { type Cursor, type Delta, parseCursor } from "@emlinh/progress-protocol";
import type { FeedReceiver, FeedTargets } from "../core/feed/feed.js";
import type { SharedDelta, Update } from "./messages.js";

/** A receiver, and its present targets. */
export interface Recipient {
  readonly receiver: FeedReceiver;
  readonly targets: FeedTargets;
}

/** Gives a recipient the part of an update that it lacks. @returns whether changes are missing. */
export function takeData(recipient: Recipient, update: Update): boolean {
  const { receiver } = recipient;
  for (const list of update.listed) {
    const isNew = receiver.listOf(list.subject)?.tag !== list.tag;
    if (isNew && recipient.targets.subjects.includes(list.subject)) receiver.listed(list);
  }
  const isLacking = takeDeltas(recipient, update);
  for (const refused of update.refused) {
    const { job = "", subject = "" } = refused;
    const { jobs, subjects } = recipient.targets;
    if (jobs.includes(job) || subjects.includes(subject)) receiver.refused(refused);
  }
  return isLacking;
}

/**
 * Gives a recipient the states of an earlier leader that it lacks altogether, and the changes that continue its own.
 * Nothing else of that leader counts: the present one may have something newer.
 */
export function takeContinuing(recipient: Recipient, { deltas, now }: Update): void {
  const { receiver } = recipient;
  const wanted = wantedBy(recipient);
  for (const update of deltas) {
    const { job } = update;
    const mine = receiver.cursorOf(job);
    const delta = wanted.has(job) ? lackedAt(mine, update) : undefined;
    if (delta && delta !== "gap" && (!delta.reset || mine === undefined))
      receiver.receive({ job, delta }, now);
  }
}

function takeDeltas(recipient: Recipient, { deltas, now }: Update): boolean {
  const { receiver } = recipient;
  let { targets } = recipient;
  let wanted = deltas.length > 0 ? wantedBy(recipient) : new Set();
  let isLacking = false;
  for (const update of deltas) {
    // A listener may have changed the targets.
    if (targets !== recipient.targets) wanted = wantedBy(recipient);
    targets = recipient.targets;
    const { job } = update;
    const delta = wanted.has(job) ? lackedAt(receiver.cursorOf(job), update) : undefined;
    if (delta === "gap") isLacking = true;
    else if (delta && receiver.receive({ job, delta }, now) === "unknown-epoch") isLacking = true;
  }
  return isLacking;
}

/** The jobs of the targets: those that are named, and those of the lists. */
export function wantedBy({ receiver, targets }: Recipient): ReadonlySet<string> {
  const { jobs, subjects } = targets;
  const lists = subjects.flatMap((subject) => receiver.listOf(subject) ?? []);
  return new Set([...jobs, ...lists.flatMap((list) => list.jobs)]);
}

/**
 * The part of a delta that a receiver lacks; `undefined` for nothing, and `gap` if changes before it are missing.
 *
 * @param mine - The cursor of the receiver.
 */
function lackedAt(
  mine: Cursor | undefined,
  { from, delta }: SharedDelta,
): Delta | "gap" | undefined {
  const [at, before, to] = [parseCursor(mine), parseCursor(from), parseCursor(delta.cursor)];
  // Another epoch of the leader is the later one: its data were read after its term began.
  if (!at || !to || at.epoch !== to.epoch) return delta.reset ? delta : "gap";
  const wentBack = before?.epoch === to.epoch && to.version < before.version;
  // A server that lost the latest writes of a job takes them back.
  if (delta.reset && wentBack) return delta;
  if (to.version <= at.version) return undefined;
  const isConnected = delta.reset || (before?.epoch === at.epoch && before.version <= at.version);
  if (!isConnected) return "gap";
  // Within an epoch no field is ever unset, so a reset may be applied as a change: it keeps the receiver's lines.
  return { ...delta, reset: false, log: delta.log.filter((line) => line.version > at.version) };
}
