import { describe, expect, test } from "vitest";
import type { RequestFacts } from "../../../src/index.js";
import { makeContext, type TestContext, useFakeTime } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";

useFakeTime();

const STREAM = "text/event-stream";

const STATES = ["unknown", "queued", "running", "ended", "expired"] as const;
type State = (typeof STATES)[number];

/** Creates a job in a state, and returns its id. */
async function jobIn(context: TestContext, state: State): Promise<string> {
  if (state === "unknown") return "unknown";
  const id = await context.createJob();
  if (state === "running") await context.setFields(id, { status: "running" });
  if (state === "ended") await context.setFields(id, { status: "completed", result: 1 });
  if (state === "expired") await context.store.sweep(Number.MAX_SAFE_INTEGER, 10);
  return id;
}

type Row = Record<State, number | string>;

/** Each request, with the status of its answer in each state of the job, and the code if it is refused. */
const TABLE: Record<
  string,
  { request(id: string): Partial<RequestFacts> & { accept?: string; target: string }; rows: Row }
> = {
  stream: {
    request: (id) => ({ target: `/${id}`, accept: STREAM }),
    rows: {
      unknown: "404 job-not-found",
      queued: 200,
      running: 200,
      ended: 200,
      expired: "410 job-expired",
    },
  },
  delta: {
    request: (id) => ({ target: `/${id}`, accept: "application/json" }),
    rows: {
      unknown: "404 job-not-found",
      queued: 200,
      running: 200,
      ended: 200,
      expired: "410 job-expired",
    },
  },
  status: {
    request: (id) => ({ target: `/${id}/status` }),
    rows: {
      unknown: "404 job-not-found",
      queued: 200,
      running: 200,
      ended: 200,
      expired: "410 job-expired",
    },
  },
  cancel: {
    request: (id) => ({ target: `/${id}/cancel`, method: "POST" }),
    rows: {
      unknown: "404 job-not-found",
      queued: 202,
      running: 202,
      ended: 202,
      expired: "410 job-expired",
    },
  },
  remove: {
    request: (id) => ({ target: `/${id}`, method: "DELETE" }),
    rows: {
      unknown: "404 job-not-found",
      queued: "409 job-not-finished",
      running: "409 job-not-finished",
      ended: 204,
      expired: "410 job-expired",
    },
  },
  "long poll": {
    request: (id) => ({ target: `/${id}?wait=5` }),
    rows: {
      unknown: "404 job-not-found",
      queued: 200,
      running: 200,
      ended: 200,
      expired: "410 job-expired",
    },
  },
};

function factsOf(
  request: { accept?: string; target: string } & Partial<RequestFacts>,
): RequestFacts {
  const { accept, target, ...more } = request;
  return requestFacts(target, accept === undefined ? {} : { accept }, more);
}

describe("every request in every state", () => {
  for (const [name, { request, rows }] of Object.entries(TABLE)) {
    test.each(STATES)(
      `given a request for ${name} and a job in the state %s, answers with the status in the table`,
      async (state) => {
        const context = makeContext({ authorize: () => true });
        const answer = await context.progress.handle(factsOf(request(await jobIn(context, state))));
        const expected = String(rows[state]);
        expect(String(answer.status)).toBe(expected.split(" ")[0]);
        const code = expected.split(" ")[1];
        if (code !== undefined) expect(bodyOf(answer)).toMatchObject({ code, type: "about:blank" });
      },
    );
  }

  test.each(STATES)(
    "given a refusal by authorize and a job in the state %s, answers 403 and nothing about the job",
    async (state) => {
      const context = makeContext({ authorize: () => false });
      const answers = [];
      for (const { request } of Object.values(TABLE))
        answers.push(await context.progress.handle(factsOf(request(await jobIn(context, state)))));
      for (const answer of answers) {
        expect(answer.status).toBe(403);
        expect(bodyOf(answer)).toEqual({
          type: "about:blank",
          title: "Not allowed",
          status: 403,
          detail: "The request is not allowed.",
          code: "forbidden",
        });
      }
    },
  );

  test("given a refusal by authorize, does not read the job", async () => {
    const { progress, store, createJob } = makeContext({ authorize: () => ({ allow: false }) });
    const id = await createJob();
    for (const { request } of Object.values(TABLE)) await progress.handle(factsOf(request(id)));
    expect(store.calls).toMatchObject({ read: 0, watch: 0, write: 0 });
  });
});

describe("a store that fails", () => {
  test.each(Object.entries(TABLE))(
    "given a request for %s, answers 503 without the message of the driver",
    async (_name, { request }) => {
      const { progress, createJob, store, errors } = makeContext({ authorize: () => true });
      const id = await createJob();
      store.fail("read");
      const answer = await progress.handle(factsOf(request(id)));
      expect(answer.status).toBe(503);
      expect(bodyOf(answer)).toMatchObject({ code: "store-unavailable" });
      expect(JSON.stringify(answer)).not.toContain("secret");
      expect(answer.headers["retry-after"]).toBe("3");
      expect(String(errors[0]?.cause)).toContain("ECONNRESET");
    },
  );
});
