import { JOB_ID, SUBJECT } from "@emlinh/progress-protocol";
import { fromBase64url, toBase64url } from "../shared/base64url.js";
import { SUBJECT_RULE } from "../shared/ids.js";
import { checksFor } from "../shared/option-checks.js";
import { isRecord } from "../shared/untyped.js";
import type { AuthorizeRequest, Decision } from "./authorize.js";
import type { RequestFacts } from "./http/types.js";
import {
  decodeClaims,
  encodeClaims,
  TICKET_ACTIONS,
  type TicketAction,
  type TicketClaims,
} from "./ticket-format.js";
import { SIGNATURE_BYTES, type TicketKey, ticketKey } from "./ticket-key.js";

/** Options of {@link createTickets}. */
export interface TicketsOptions {
  /**
   * Keys of at least 32 random bytes each. A string counts by its UTF-8 bytes. The first one signs, and all of them are
   * accepted: to change the secret, put the new one in front, and drop the old one when its tickets have expired. All
   * processes need the same ones.
   */
  readonly secrets: readonly (string | Uint8Array)[];
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: (() => number) | undefined;
}

/** Options of `createTicket`: a ticket for one job, or for the list of one subject. */
export type TicketOptions =
  | {
      /** The only job that the ticket is for. */
      readonly jobId: string;
      readonly subject?: undefined;
      /** At least one of `watch`, `cancel`, `report` and `remove`. */
      readonly actions: readonly Exclude<TicketAction, "list">[];
      /** Milliseconds until the ticket expires. Streams that it opened are closed then. */
      readonly expiresInMs: number;
    }
  | {
      /** The only subject whose list the ticket is for. It allows to watch the jobs in it. */
      readonly subject: string;
      readonly jobId?: undefined;
      readonly actions: readonly ["list"];
      readonly expiresInMs: number;
    };

/** Makes tickets and decides about requests that carry one. */
export interface Tickets {
  /**
   * Makes a ticket: an opaque string of base64url characters, about 100 of them, that can be put into a URL. Anyone who
   * has it may do what it allows, until it expires.
   *
   * @throws ProgressError `invalid-option`
   */
  createTicket(options: TicketOptions): Promise<string>;
  /**
   * An `authorize` that allows a request if its ticket is for this job or subject, and this action. The ticket is the
   * query parameter `ticket`, or comes as `Authorization: Bearer`, which comes first. A missing, malformed or expired
   * ticket is `not-authenticated`, one for something else `forbidden`.
   */
  authorizeByTicket(request: AuthorizeRequest): Promise<Decision>;
}

const CALL = "createTickets({ secrets: [process.env.TICKET_SECRET] })";

const { names, callback, fault, list } = checksFor("createTickets", CALL);

/**
 * Short-lived permissions for readers that can't send headers, such as a native EventSource, and for workers over HTTP.
 * They are signed with HMAC-SHA-256 and stored nowhere, so they can't be withdrawn before they expire.
 *
 * @throws ProgressError `invalid-option`. No secret is part of its message.
 * @example
 * ```ts
 * const { createTicket, authorizeByTicket } = createTickets({ secrets: [secret] });
 * const progress = createProgress({ store, authorize: authorizeByTicket });
 * const ticket = await createTicket({ jobId, actions: ["watch"], expiresInMs: 600_000 });
 * const url = `/api/progress/${jobId}?ticket=${ticket}`; // for new EventSource(url)
 * ```
 * @see docs/PROTOCOL.md, P60
 */
export function createTickets(options: TicketsOptions): Tickets {
  // The value may be a secret that was passed in place of the options.
  if (!isRecord(options)) throw fault(`the options are no object; use ${CALL}.`);
  names(options, ["secrets", "clock"]);
  callback("clock", options.clock);
  const { secrets, clock = Date.now } = options;
  const keys = keysOf(secrets);
  const [current] = keys;
  return {
    async createTicket(ticket) {
      const claims = encodeClaims(checkedClaims(ticket, clock()));
      return toBase64url(joined(claims, await current.sign(claims)));
    },
    async authorizeByTicket({ action, jobId, subject, facts }) {
      const claims = await claimsOf(ticketOf(facts), keys);
      if (claims === undefined || claims.expiresAt <= clock())
        return { allow: false, reason: "not-authenticated" };
      // A subject may look like the id of a job, but then the actions differ.
      const isFor =
        claims.target === (subject ?? jobId) && claims.actions.some((one) => one === action);
      return isFor && { allow: true, until: claims.expiresAt };
    },
  };
}

const MIN_SECRET_BYTES = 32;

/** The messages say nothing about a secret but its length and type. */
function keysOf(secrets: TicketsOptions["secrets"]): readonly [TicketKey, ...TicketKey[]] {
  if (!Array.isArray(secrets))
    throw fault("secrets is no array; it must be a list of strings or Uint8Arrays.");
  const [first, ...others] = list("secrets", secrets, "an array").map((secret, index) => {
    const bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
    if (!(bytes instanceof Uint8Array))
      throw fault(`secrets[${index}] is of type ${typeof secret}; use a string or a Uint8Array.`);
    if (bytes.length < MIN_SECRET_BYTES)
      throw fault(
        `secrets[${index}] has ${bytes.length} bytes; use at least ${MIN_SECRET_BYTES} random ones.`,
      );
    return ticketKey(Uint8Array.from(bytes));
  });
  if (first === undefined) throw fault("secrets is empty; the first secret signs the tickets.");
  return [first, ...others];
}

const ticketChecks = checksFor("createTicket");

function checkedClaims(options: TicketOptions, now: number): TicketClaims {
  const { names, invalid, fault } = ticketChecks;
  names(options, ["jobId", "subject", "actions", "expiresInMs"]);
  const { expiresInMs } = options;
  const target = checkedTarget(options);
  const allowed = options.subject === undefined ? JOB_ACTIONS : LIST_ACTIONS;
  const wanted = `a list such as ["${allowed[0]}"]`;
  const given = ticketChecks.list("actions", options.actions, wanted) as readonly TicketAction[];
  if (given.length === 0) throw fault(`actions is empty; it must be ${wanted}.`);
  for (const action of given)
    if (!allowed.includes(action))
      throw invalid("an action", action, `one of ${allowed.join(", ")}`);
  if (!Number.isFinite(expiresInMs) || expiresInMs <= 0)
    throw invalid("expiresInMs", expiresInMs, "a positive number of milliseconds");
  return { target, actions: given, expiresAt: Math.floor(now + expiresInMs) };
}

const LIST_ACTIONS: readonly TicketAction[] = ["list"];
const JOB_ACTIONS = TICKET_ACTIONS.filter((action) => action !== "list");

function checkedTarget({ jobId, subject }: TicketOptions): string {
  const { invalid, fault } = ticketChecks;
  if (subject === undefined) {
    if (jobId === undefined)
      throw fault("there is no jobId and no subject; make a ticket for one of them.");
    if (typeof jobId === "string" && JOB_ID.test(jobId)) return jobId;
    throw invalid("jobId", jobId, "the id of a job");
  }
  if (jobId !== undefined)
    throw fault("there are a jobId and a subject; make one ticket for each of them.");
  if (typeof subject === "string" && SUBJECT.test(subject)) return subject;
  throw invalid("subject", subject, SUBJECT_RULE);
}

/** The ticket of a request as it was sent. */
function ticketOf(facts: RequestFacts): string | undefined {
  const bearer = /^bearer +(\S+)$/i.exec(facts.header("authorization")?.trim() ?? "");
  return bearer?.[1] ?? facts.query.get("ticket") ?? undefined;
}

/** Longer than any ticket. It bounds the work for a stranger. */
const MAX_TICKET_LENGTH = 300;

/** The content of a ticket that one of the keys has signed. */
async function claimsOf(
  ticket: string | undefined,
  keys: readonly TicketKey[],
): Promise<TicketClaims | undefined> {
  if (ticket === undefined || ticket.length > MAX_TICKET_LENGTH) return undefined;
  const bytes = fromBase64url(ticket);
  if (bytes === undefined || bytes.length <= SIGNATURE_BYTES) return undefined;
  const claims = bytes.slice(0, -SIGNATURE_BYTES);
  const signature = bytes.slice(-SIGNATURE_BYTES);
  for (const key of keys) if (await key.verify(signature, claims)) return decodeClaims(claims);
  return undefined;
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}
