import { type Change, isTerminal, isVisible } from "@emlinh/progress-protocol";

/** A change as text, made when the call came in: what its maker does to it afterwards isn't written. */
export interface Parcel {
  /** Whether it raises a version. */
  readonly visible: boolean;
  readonly fields: readonly (readonly [name: string, json: string])[];
  /** The appended lines as one JSON array; absent if there are none. */
  readonly lines: string | undefined;
  readonly lineCount: number;
  /** What it says of the fields by which the store itself goes; `undefined` where it says nothing. */
  readonly status: string | undefined;
  readonly ends: boolean;
  readonly begins: number | undefined;
  readonly stale: boolean | undefined;
  readonly attempt: number | undefined;
  readonly leaseMs: number | undefined;
}

/**
 * Turns a change into text.
 *
 * @throws TypeError for a value that is no JSON; nothing was written then.
 */
export function parcelOf({ set, log, attempt, leaseMs }: Change): Parcel {
  const { status, stale } = set;
  return {
    visible: isVisible({ set, log }),
    fields: Object.entries(set).map(([name, value]) => [name, JSON.stringify(value)] as const),
    lines: log.length === 0 ? undefined : JSON.stringify(log),
    lineCount: log.length,
    status: status === undefined ? undefined : String(status),
    ends: isTerminal(status),
    begins: set.attempt === undefined ? undefined : Number(set.attempt),
    stale: stale === undefined ? undefined : stale === true,
    attempt,
    leaseMs,
  };
}
