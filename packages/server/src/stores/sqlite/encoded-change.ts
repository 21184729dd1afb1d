import {
  type Change,
  type Fields,
  type HoldWrite,
  isTerminal,
  isVisible,
} from "@emlinh/progress-protocol";

/** The name of a field and its value as JSON. */
export type EncodedField = readonly [name: string, json: string];

/**
 * A change as JSON text. It is encoded when the call comes in, so that the caller may change its own objects while the
 * call waits in the write queue.
 */
export interface EncodedChange {
  /** Whether the change raises a version. */
  readonly visible: boolean;
  readonly fields: readonly EncodedField[];
  /** The appended lines as one JSON array; `undefined` if there are none. */
  readonly lines: string | undefined;
  readonly lineCount: number;
  /** Numbers to skip before the lines. */
  readonly lostLines: number;
  /** The status that the change sets; `undefined` if it sets none. */
  readonly status: string | undefined;
  /** Whether that status is terminal. */
  readonly ends: boolean;
  /** The attempt that the change begins; `undefined` if it begins none. */
  readonly begins: number | undefined;
  /** The mark that the change sets or clears; `undefined` if it does neither. */
  readonly stale: boolean | undefined;
  readonly hold: HoldWrite | undefined;
  readonly leaseMs: number | undefined;
}

/**
 * Encodes a change.
 *
 * @throws TypeError for a value that can't be written as JSON.
 */
export function encodeChange({ set, log, lostLines, hold, leaseMs }: Change): EncodedChange {
  const { status, stale } = set;
  return {
    visible: isVisible({ set, log }),
    fields: encodeFields(set),
    lines: log.length === 0 ? undefined : JSON.stringify(log),
    lineCount: log.length,
    lostLines: log.length === 0 ? 0 : (lostLines ?? 0),
    status: status === undefined ? undefined : String(status),
    ends: isTerminal(status),
    begins: set.attempt === undefined ? undefined : Number(set.attempt),
    stale: stale === undefined ? undefined : stale === true,
    hold: hold && { ...hold },
    leaseMs,
  };
}

/** Encodes each field. */
export function encodeFields(fields: Fields): readonly EncodedField[] {
  return Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value)] as const);
}

/** Decodes each field. A later one replaces an earlier one of the same name. */
export function decodeFields(fields: Iterable<EncodedField>): Fields {
  return Object.fromEntries([...fields].map(([name, json]) => [name, JSON.parse(json)]));
}
