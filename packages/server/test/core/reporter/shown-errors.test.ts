import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  defineJob,
  JobFailure,
  type JobState,
  ProgressError,
  type Reporter,
} from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime } from "../context.js";
import { openStream } from "../streams.js";

useFakeTime();

const SECRET = /secret|authorization|other-job|validator|\/home|ECONN/i;
const GENERIC = { code: "job-failed", message: "The job failed." };

/** Ends a job, and returns its error together with everything that a watcher's stream got. */
async function watchedEnd(
  context: TestContext,
  end: (id: string) => Promise<JobState>,
): Promise<{ readonly state: JobState; readonly sent: string }> {
  const { id } = await context.progress.create({
    kind: "k",
    plan: [{ id: "render", title: "Render", weight: 1 }],
  });
  const sink = await openStream(context.progress, id);
  const state = await end(id);
  await advance(600);
  return { state, sent: JSON.stringify(sink.events) };
}

const OUR_ERROR = new ProgressError("job-held", {
  message: 'Another worker holds the job "other-job", with the key "secret".',
  details: { jobId: "other-job" },
});

describe("an error that the work throws", () => {
  test.each<[string, unknown]>([
    ["an error of this library", OUR_ERROR],
    ["an error with a code", Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONN" })],
    [
      "an error of another realm",
      runInNewContext(`Object.assign(new Error("/home"), { code: "ENOENT" })`),
    ],
    [
      "an instance of a class",
      new (class {
        code = "E";
        message = "secret";
      })(),
    ],
    ["a string", "secret"],
    ["null", null],
    ["undefined", undefined],
    [
      "a proxy that throws",
      new Proxy(new Error("secret"), {
        get: () => {
          throw new Error("secret");
        },
      }),
    ],
    ["a JobFailure of untyped code", wrongFailure()],
  ])(
    "given %s, watchers get only that the job failed, and onError gets the cause",
    async (_name, error) => {
      const context = makeContext();
      const { state, sent } = await watchedEnd(context, (id) =>
        context.progress.run(id, async (job) => {
          await job.step("render", () => {
            throw error;
          });
        }),
      );
      expect(state.error).toEqual({ ...GENERIC, step: "render" });
      expect(sent).not.toMatch(SECRET);
      expect(context.errors.map(({ code }) => code)).toEqual(["job-failed"]);
      expect(context.errors[0]?.cause === error).toBe(true);
    },
  );

  test("given a JobFailure with a cause, watchers get its code and message only", async () => {
    const context = makeContext();
    const { state, sent } = await watchedEnd(context, (id) =>
      context.progress.run(id, () => {
        const failure = new JobFailure({
          code: "no-voice",
          message: "No voice.",
          cause: OUR_ERROR,
        });
        throw Object.assign(failure, { headers: { authorization: "secret" } });
      }),
    );
    expect(state.error).toEqual({ code: "no-voice", message: "No voice." });
    expect(sent).not.toMatch(SECRET);
  });
});

/** An error as an HTTP client throws it. */
const requestError = Object.assign(new Error("GET https://secret@api"), {
  code: "ERR_BAD_REQUEST",
  config: { headers: { Authorization: "Bearer secret" } },
});

describe("an error that is passed to an end", () => {
  const ends: readonly (readonly [string, (job: Reporter, error: never) => Promise<JobState>])[] = [
    ["fail(error)", (job, error) => job.fail(error)],
    ["end({ error })", (job, error) => job.end("failed", { error })],
  ];
  test.each(ends)("given %s with a caught error, its headers are not sent", async (_name, end) => {
    const context = makeContext();
    const { state, sent } = await watchedEnd(context, async (id) =>
      end(await context.progress.open(id), requestError as never),
    );
    expect(state.error).toEqual(GENERIC);
    expect(sent).not.toMatch(SECRET);
    expect(context.errors).toMatchObject([{ code: "job-failed", cause: requestError }]);
  });

  test.each(ends)(
    "given %s with a plain object of more members, sends three of them",
    async (_name, end) => {
      const context = makeContext();
      const { state, sent } = await watchedEnd(context, async (id) => {
        const job = await context.progress.open(id);
        const more = { headers: { authorization: "secret" }, cause: OUR_ERROR, stack: "/home" };
        const shown = { code: "quota", message: "No disk left.", step: "render" };
        return end(job, { ...shown, ...more } as never);
      });
      expect(state.error).toEqual({ code: "quota", message: "No disk left.", step: "render" });
      expect(sent).not.toMatch(SECRET);
      expect(context.errors).toEqual([]);
    },
  );

  test("given a supervisor's end with a caught error, its headers are not sent", async () => {
    const context = makeContext();
    const { state, sent } = await watchedEnd(context, (id) =>
      context.progress.end(id, "lost", { error: requestError }),
    );
    expect(state.error).toEqual(GENERIC);
    expect(sent).not.toMatch(SECRET);
    expect(context.errors).toMatchObject([{ code: "job-failed", cause: requestError }]);
  });

  test("given members that change between two reads, sends what was checked", async () => {
    const context = makeContext();
    let reads = 0;
    const error = {
      code: "quota",
      get message() {
        reads += 1;
        return reads % 2 === 1 ? "No disk left." : { secret: true };
      },
    };
    const { state, sent } = await watchedEnd(context, async (id) =>
      (await context.progress.open(id)).fail(error),
    );
    expect([GENERIC.message, "No disk left."]).toContain(state.error?.message);
    expect(sent).not.toMatch(SECRET);
  });

  test("given an end that is refused, does not report its error", async () => {
    const context = makeContext();
    const job = await context.progress.open(await context.createJob());
    const refused = job.end("failed", { error: requestError, message: 5 as never });
    await expect(refused).rejects.toMatchObject({ code: "invalid-option" });
    expect(context.errors).toEqual([]);
  });
});

describe("a validator", () => {
  const saying = (answer: () => never) => ({
    "~standard": { version: 1 as const, vendor: "test", validate: answer },
  });
  test.each([
    ["refuses the result", () => ({ issues: [{ message: "validator: secret" }] }) as never],
    [
      "throws",
      () => {
        throw new Error("validator: secret");
      },
    ],
  ])("given one that %s, watchers get only that the job failed", async (_name, validate) => {
    const context = makeContext();
    const definition = defineJob({ kind: "k", result: saying(validate) });
    const { state, sent } = await watchedEnd(context, (id) =>
      context.progress.run(id, async () => "x" as never, { definition }),
    );
    expect(state.error).toEqual(GENERIC);
    expect(sent).not.toMatch(SECRET);
    expect(context.errors).toMatchObject([
      { code: "job-failed", cause: { code: "invalid-change" } },
    ]);
  });
});

test("given an error as the message of a step or a line, watchers do not get its text", async () => {
  const context = makeContext();
  const { sent } = await watchedEnd(context, async (id) => {
    const job = await context.progress.open(id);
    const step = job.beginStep("render");
    step.update({ message: requestError as never });
    job.log(requestError as never);
    step.fail(requestError);
    return job.cancelled();
  });
  expect(sent).not.toMatch(SECRET);
  expect(context.errors.map(({ code }) => code)).toEqual(["invalid-change", "invalid-change"]);
});

/** A JobFailure of untyped code, whose members were changed after it was made. */
function wrongFailure(): JobFailure {
  const failure = new JobFailure({ code: "no-voice", message: "No voice." });
  return Object.assign(failure, { code: 5, message: {} });
}
