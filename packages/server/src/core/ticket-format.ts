import { JOB_ID, SUBJECT } from "@emlinh/progress-protocol";
import type { Action } from "./authorize.js";

/** The actions that a ticket can allow: those on one job, and `list` of one subject. */
export type TicketAction = Exclude<Action, "cleanup">;

/** The content of a ticket. */
export interface TicketClaims {
  /** The id of the job, or the subject if the only action is `list`. */
  readonly target: string;
  /** Either `list` alone, or any of the others. */
  readonly actions: readonly TicketAction[];
  /** Milliseconds since the epoch; a whole number. */
  readonly expiresAt: number;
}

/** The bit of each action. A bit keeps its meaning: tickets outlive a deployment. */
const BITS: { readonly [Name in TicketAction]: number } = {
  watch: 1,
  cancel: 2,
  report: 4,
  remove: 8,
  list: 16,
};

export const TICKET_ACTIONS: readonly TicketAction[] = Object.keys(BITS) as TicketAction[];

/** The first byte. A ticket with another one is refused. */
const VERSION = 1;
/** The version, the actions, and the time in six bytes. */
const HEAD_BYTES = 8;
const TIME_BYTES = 6;
const MAX_TIME = 0xffffffffffff;

/** Writes the signed part of a ticket: version, actions, time (big-endian), job id or subject. */
export function encodeClaims({
  target,
  actions,
  expiresAt,
}: TicketClaims): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD_BYTES + target.length);
  bytes[0] = VERSION;
  bytes[1] = actions.reduce((bits, action) => bits | BITS[action], 0);
  let rest = Math.min(expiresAt, MAX_TIME);
  for (let index = TIME_BYTES; index > 0; index -= 1) {
    bytes[1 + index] = rest % 256;
    rest = Math.floor(rest / 256);
  }
  // Job ids and subjects are ASCII (P2, P62).
  for (let index = 0; index < target.length; index += 1)
    bytes[HEAD_BYTES + index] = target.charCodeAt(index);
  return bytes;
}

/** Reads the signed part of a ticket; `undefined` if it is of another version. */
export function decodeClaims(bytes: Uint8Array): TicketClaims | undefined {
  const target = String.fromCharCode(...bytes.subarray(HEAD_BYTES));
  const bits = bytes[1] ?? 0;
  const pattern = bits === BITS.list ? SUBJECT : JOB_ID;
  if (bytes[0] !== VERSION || !pattern.test(target)) return undefined;
  return {
    target,
    actions: TICKET_ACTIONS.filter((action) => (bits & BITS[action]) !== 0),
    expiresAt: bytes.subarray(2, HEAD_BYTES).reduce((time, byte) => time * 256 + byte, 0),
  };
}
