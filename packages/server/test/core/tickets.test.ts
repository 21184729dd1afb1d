import { describe, expect, test } from "vitest";
import {
  type AuthorizeRequest,
  createTickets,
  type Decision,
  type TicketOptions,
  type Tickets,
} from "../../src/index.js";
import { advance, makeContext, useFakeTime } from "./context.js";
import { bodyOf, requestFacts } from "./requests.js";
import { subscribe } from "./streams.js";

useFakeTime();

const NOW = 1_700_000_000_000;
const SECRET = "a secret of the tests, 32 bytes!";
const OTHER = new Uint8Array(32).fill(7);
const ALLOWED = { allow: true, until: NOW + 60_000 };
const INVALID = { allow: false, reason: "not-authenticated" };

type JobTicket = Extract<TicketOptions, { jobId: string }>;

function newTicket(
  tickets: Pick<Tickets, "createTicket">,
  options: Partial<JobTicket> = {},
): Promise<string> {
  return tickets.createTicket({
    jobId: "a",
    actions: ["watch"],
    expiresInMs: 60_000,
    ...options,
  });
}

function watchWith(ticket: string): AuthorizeRequest {
  return { action: "watch", jobId: "a", facts: requestFacts(`/a?ticket=${ticket}`) };
}

describe("a ticket", () => {
  test("given its job and its action, is allowed until it expires", async () => {
    const tickets = createTickets({ secrets: [SECRET] });
    const request = watchWith(await newTicket(tickets));
    expect(await tickets.authorizeByTicket(request)).toEqual(ALLOWED);
    await advance(59_999);
    expect(await tickets.authorizeByTicket(request)).toEqual(ALLOWED);
    await advance(1);
    expect(await tickets.authorizeByTicket(request)).toEqual(INVALID);
  });

  test("given each set of actions, allows these and no others", async () => {
    const { createTicket, authorizeByTicket } = createTickets({ secrets: [SECRET] });
    const all = ["watch", "cancel", "report", "remove"] as const;
    for (let bits = 1; bits < 16; bits += 1) {
      const actions = all.filter((_, index) => bits & (1 << index));
      const { facts } = watchWith(await newTicket({ createTicket }, { actions }));
      for (const action of all)
        expect(await authorizeByTicket({ action, jobId: "a", facts })).toEqual(
          actions.includes(action) && ALLOWED,
        );
      expect(await authorizeByTicket({ action: "cleanup", facts })).toBe(false);
    }
  });

  test.each(["b", "A", "aa", "x".repeat(128)])(
    "given the other job %s, is forbidden, and its own is allowed",
    async (jobId) => {
      const tickets = createTickets({ secrets: [SECRET] });
      const ticket = await newTicket(tickets, { jobId });
      const { facts } = watchWith(ticket);
      expect(await tickets.authorizeByTicket({ action: "watch", jobId: "a", facts })).toBe(false);
      expect(await tickets.authorizeByTicket({ action: "watch", jobId, facts })).toEqual(ALLOWED);
    },
  );

  test("is of characters that a URL and a header take as they are", async () => {
    const tickets = createTickets({ secrets: [SECRET] });
    for (let length = 1; length <= 6; length += 1)
      expect(await newTicket(tickets, { jobId: "x".repeat(length) })).toMatch(/^[\w-]+$/);
  });
});

describe("a ticket that was changed", () => {
  test("given any bit of any byte flipped, is refused", async () => {
    const tickets = createTickets({ secrets: [SECRET] });
    const bytes = Buffer.from(await newTicket(tickets), "base64url");
    for (let index = 0; index < bytes.length; index += 1)
      for (let bit = 0; bit < 8; bit += 1) {
        const changed = Buffer.from(bytes);
        changed[index] = (changed[index] ?? 0) ^ (1 << bit);
        const request = watchWith(changed.toString("base64url"));
        expect(await tickets.authorizeByTicket(request)).toEqual(INVALID);
      }
  });

  test("given any character replaced, added or left out, is refused", async () => {
    const tickets = createTickets({ secrets: [SECRET] });
    // Its last character has bits that belong to no byte.
    const ticket = await newTicket(tickets, { jobId: "aa" });
    for (let index = 0; index <= ticket.length; index += 1)
      for (const [length, text] of [
        [1, "A"],
        [1, "B"],
        [1, "_"],
        [1, ""],
        [0, "A"],
        [0, "="],
        [0, "%20"],
      ] as const) {
        const changed = ticket.slice(0, index) + text + ticket.slice(index + length);
        if (changed === ticket) continue;
        const { facts } = watchWith(changed);
        const decision = await tickets.authorizeByTicket({ action: "watch", jobId: "aa", facts });
        expect(decision, `at ${index}: ${text}`).toEqual(INVALID);
      }
  });

  test.each(["", "A", "AAAA", "A".repeat(43), "A".repeat(100), "A".repeat(100_000), "é", "null"])(
    "given a text that is no ticket, is refused",
    async (text) => {
      const { authorizeByTicket } = createTickets({ secrets: [SECRET] });
      expect(await authorizeByTicket(watchWith(text))).toEqual(INVALID);
    },
  );

  test("given no ticket, is refused", async () => {
    const { authorizeByTicket } = createTickets({ secrets: [SECRET] });
    const facts = requestFacts("/a");
    expect(await authorizeByTicket({ action: "watch", jobId: "a", facts })).toEqual(INVALID);
  });
});

describe("secrets", () => {
  test("given a new one in front, tickets of both are accepted, and the new one signs", async () => {
    const before = createTickets({ secrets: [SECRET] });
    const during = createTickets({ secrets: [OTHER, SECRET] });
    const after = createTickets({ secrets: [OTHER] });
    const [old, fresh] = [await newTicket(before), await newTicket(during)];
    const decide = (tickets: Tickets, ticket: string): Promise<Decision> =>
      tickets.authorizeByTicket(watchWith(ticket));
    expect(await decide(during, old)).toEqual(ALLOWED);
    expect(await decide(during, fresh)).toEqual(ALLOWED);
    expect(await decide(after, fresh)).toEqual(ALLOWED);
    expect(await decide(after, old)).toEqual(INVALID);
    expect(await decide(before, fresh)).toEqual(INVALID);
  });

  test("given bytes that the app changes later, keeps the secret", async () => {
    const secret = Uint8Array.from(OTHER);
    const tickets = createTickets({ secrets: [secret] });
    secret.fill(0);
    const others = createTickets({ secrets: [OTHER] });
    expect(await others.authorizeByTicket(watchWith(await newTicket(tickets)))).toEqual(ALLOWED);
  });

  const short = "correct horse battery";
  test.each<[unknown, string]>([
    [{ secrets: [short] }, "secrets[0] has 21 bytes; use at least 32"],
    [{ secrets: [SECRET, OTHER.subarray(1)] }, "secrets[1] has 31 bytes"],
    [{ secrets: [undefined] }, "secrets[0] is of type undefined"],
    [{ secrets: [[1, 2]] }, "secrets[0] is of type object"],
    [{ secrets: [] }, "secrets is empty"],
    [{ secrets: short }, "secrets is no array"],
    [{ secret: short }, 'no option "secret"; did you mean "secrets"?'],
    [{ secrets: [SECRET], clock: 5 }, "clock is 5"],
    [short, "the options are no object"],
    [undefined, "the options are no object"],
  ])("given wrong options, throws invalid-option without a secret: %#", (options, message) => {
    let error: unknown;
    try {
      createTickets(options as never);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(message),
    });
    expect(JSON.stringify([error, String(error)])).not.toContain("horse");
  });
});

describe("a ticket for a subject", () => {
  const ask = (subject: string, ticket: string): AuthorizeRequest => ({
    action: "list",
    subject,
    facts: requestFacts(`/?subject=${subject}&ticket=${ticket}`),
  });
  const ofSubject = (tickets: Tickets, subject: string) =>
    tickets.createTicket({ subject, actions: ["list"], expiresInMs: 60_000 });

  test("given its subject, is allowed to list until it expires", async () => {
    const tickets = createTickets({ secrets: [SECRET] });
    const ticket = await ofSubject(tickets, "user:42");
    expect(ticket).toMatch(/^[\w-]{1,300}$/);
    expect(await tickets.authorizeByTicket(ask("user:42", ticket))).toEqual(ALLOWED);
    expect(await tickets.authorizeByTicket(ask("user:43", ticket))).toBe(false);
    await advance(60_000);
    expect(await tickets.authorizeByTicket(ask("user:42", ticket))).toEqual(
      expect.objectContaining({ allow: false, reason: "not-authenticated" }),
    );
  });

  test("given a job with the name of the subject, allows nothing on it, and the reverse", async () => {
    const tickets = createTickets({ secrets: [SECRET] });
    const ofList = await ofSubject(tickets, "a");
    expect(await tickets.authorizeByTicket(watchWith(ofList))).toBe(false);
    const ofJob = await newTicket(tickets);
    expect(await tickets.authorizeByTicket(ask("a", ofJob))).toBe(false);
  });

  test("given the longest subject, fits into the bound of a ticket", async () => {
    const tickets = createTickets({ secrets: [SECRET] });
    const subject = "s".repeat(128);
    const ticket = await ofSubject(tickets, subject);
    expect(ticket.length).toBeLessThanOrEqual(300);
    expect(await tickets.authorizeByTicket(ask(subject, ticket))).toEqual(ALLOWED);
  });
});

describe("createTicket", () => {
  test.each<[Record<string, unknown>, string]>([
    [{ jobId: "a b" }, 'jobId is "a b"'],
    [{ actions: [] }, 'actions is empty; it must be a list such as ["watch"]'],
    [{ jobId: undefined }, "there is no jobId and no subject; make a ticket for one of them"],
    [
      { jobId: undefined, subject: "s", actions: [] },
      'actions is empty; it must be a list such as ["list"]',
    ],
    [{ actions: "watch" }, 'actions is "watch"'],
    [{ actions: ["watch", "cleanup"] }, 'an action is "cleanup"'],
    [{ actions: ["toString"] }, 'an action is "toString"'],
    [{ actions: [undefined] }, "an action is undefined"],
    [{ expiresInMs: 0 }, "expiresInMs is 0"],
    [{ expiresInMs: Number.POSITIVE_INFINITY }, "expiresInMs is Infinity"],
    [{ expiresInMs: "60" }, 'expiresInMs is "60"'],
    [{ expires: 5 }, 'no option "expires"'],
    [{ actions: ["list"] }, 'an action is "list"; it must be one of watch, cancel, report, remove'],
    [{ subject: "user:1" }, "there are a jobId and a subject"],
    [{ jobId: undefined, subject: "a b", actions: ["list"] }, 'subject is "a b"'],
    [{ jobId: undefined, subject: "a" }, 'an action is "watch"; it must be one of list'],
  ])("given %o, rejects with invalid-option", async (wrong, message) => {
    const tickets = createTickets({ secrets: [SECRET] });
    await expect(newTicket(tickets, wrong as Partial<JobTicket>)).rejects.toMatchObject({
      code: "invalid-option",
      message: expect.stringContaining(message),
    });
  });
});

describe("authorizeByTicket in a progress", () => {
  test("given a ticket in the query or as a Bearer token, accepts it, and the header wins", async () => {
    const { createTicket, authorizeByTicket } = createTickets({ secrets: [SECRET] });
    const { progress, createJob } = makeContext({ authorize: authorizeByTicket });
    const id = await createJob("a");
    const ticket = await newTicket({ createTicket });
    const statusOf = async (target: string, authorization?: string) =>
      (await progress.handle(requestFacts(target, authorization ? { authorization } : {}))).status;
    expect(await statusOf(`/${id}?ticket=${ticket}`)).toBe(200);
    expect(await statusOf(`/${id}`, `Bearer ${ticket}`)).toBe(200);
    expect(await statusOf(`/${id}`, `bearer  ${ticket} `)).toBe(200);
    expect(await statusOf(`/${id}?ticket=${ticket}`, "Basic YTpi")).toBe(200);
    expect(await statusOf(`/${id}?ticket=${ticket}`, "Bearer other")).toBe(401);
    expect(await statusOf(`/${id}`, ticket)).toBe(401);
  });

  test("given an action that the ticket is not for, answers 403", async () => {
    const { createTicket, authorizeByTicket } = createTickets({ secrets: [SECRET] });
    const { progress, createJob } = makeContext({ authorize: authorizeByTicket });
    const id = await createJob("a");
    const target = `/${id}/cancel?ticket=${await newTicket({ createTicket })}`;
    const answer = await progress.handle(requestFacts(target, {}, { method: "POST" }));
    expect(bodyOf(answer)).toMatchObject({ code: "forbidden" });
  });

  test("given an open stream, closes it before the ticket expires", async () => {
    const { createTicket, authorizeByTicket } = createTickets({ secrets: [SECRET] });
    const { progress, createJob } = makeContext({ authorize: authorizeByTicket });
    const id = await createJob("a");
    const target = `/${id}?ticket=${await newTicket({ createTicket })}`;
    const stream = { accept: "text/event-stream" };
    const sink = subscribe(await progress.handle(requestFacts(target, stream)));
    await advance(58_000);
    expect(sink.ended).toBe(false);
    await advance(2_000);
    expect(sink.events.at(-1)).toMatchObject({ event: "bye", data: { reason: "auth" } });
    expect((await progress.handle(requestFacts(target, stream))).status).toBe(401);
  });

  test("given a ticket that is refused, its text is in no answer and in no error", async () => {
    const { createTicket, authorizeByTicket } = createTickets({ secrets: [SECRET] });
    const { progress, errors } = makeContext({ authorize: authorizeByTicket });
    const ticket = `${await newTicket({ createTicket })}x`;
    for (const path of ["/a?", "/a/nothing?", "/a b?", "/a?wait=soon&"]) {
      const answer = await progress.handle(requestFacts(`${path}ticket=${ticket}`));
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(JSON.stringify(answer)).not.toContain(ticket);
    }
    expect(errors).toEqual([]);
  });
});
