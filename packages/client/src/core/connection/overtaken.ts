import { type Cursor, type Delta, parseCursor } from "@emlinh/progress-protocol";

/**
 * Whether a reset has an earlier state than another connection has brought meanwhile (P21): it was sent earlier, and
 * arrived later. A server that lost the latest writes of a job takes them back by a reset, too, but only from a reader
 * of which it knows that it has them.
 *
 * @param mine - The cursor of the reader.
 * @param told - The cursor that the reader has for this connection: that of the request, or of the last delta.
 */
export function isOvertaken(
  { reset, cursor }: Delta,
  mine: Cursor | undefined,
  told: Cursor | undefined,
): boolean {
  const [to, at, before] = [cursor, mine, told].map(parseCursor);
  if (!reset || !to || to.epoch !== at?.epoch || to.version >= at.version) return false;
  return before?.epoch !== to.epoch || before.version <= to.version;
}
