import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { collectBody } from "../../../src/core/http/body.js";
import { resolveOptions, type Settings } from "../../../src/core/options.js";
import {
  type Answer,
  memoryStore,
  type ProgressOptions,
  type RequestFacts,
} from "../../../src/index.js";
import { advance, makeContext, type TestContext, useFakeTime, waitUntil } from "../context.js";
import { bodyOf, requestFacts } from "../requests.js";
import { openStream } from "../streams.js";

useFakeTime();

const STREAM = { accept: "text/event-stream" };
const TOKEN = "t".repeat(32);
const allowAll = () => true;
const never = () => new Promise<never>(() => {});

/** One limit, and a request that is beyond it. */
interface Limit {
  readonly name: string;
  readonly options?: Partial<ProgressOptions>;
  /** Does what the limit allows, and then sends the request that is refused. */
  exceed(context: TestContext): Promise<Answer>;
  readonly refused: readonly [status: number, code: string];
}

type More = Partial<RequestFacts>;

/** Begins a long poll of a new job, and resolves with its answer if the poll is not held. */
async function poll({ progress, createJob }: TestContext, more: More = {}): Promise<Answer> {
  const id = await createJob();
  return pollJob({ progress }, id, more);
}

async function pollJob(
  { progress }: Pick<TestContext, "progress">,
  id: string,
  more: More = {},
): Promise<Answer> {
  const cursor = (await progress.status(id))?.cursor;
  return progress.handle(requestFacts(`/${id}?after=${cursor}&wait=20`, {}, more));
}

/** Begins a long poll, which is held. */
async function hold(context: TestContext, polled: () => Promise<Answer>): Promise<void> {
  const { polls } = context.progress.metrics();
  void polled();
  await waitUntil(() => context.progress.metrics().polls > polls);
}

async function stream({ progress, createJob }: TestContext, more: More = {}): Promise<Answer> {
  return progress.handle(requestFacts(`/${await createJob()}`, STREAM, more));
}

/** Sends the reports of one worker to a new job, and resolves with the last answer. */
async function report(
  { progress, createJob }: TestContext,
  reports: readonly object[],
  body?: RequestFacts["body"],
): Promise<Answer> {
  const id = await createJob();
  let answer: Answer | undefined;
  for (const [index, members] of reports.entries()) {
    const hold = { token: TOKEN, count: index + 1 };
    const text = JSON.stringify({ hold, ...(index === 0 && { open: {} }), ...members });
    const request = { method: "POST", body: body ?? (async () => text) };
    const type = { "content-type": "application/json" };
    answer = await progress.handle(requestFacts(`/${id}/updates`, type, request));
    if (index < reports.length - 1) expect(answer.status).toBe(200);
  }
  return answer as Answer;
}

const times = (count: number, members: object = {}) => Array.from({ length: count }, () => members);
const kibibytes = (count: number) => "x".repeat(count * 1024 - 100);
const keys = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 1]));
const nested = (levels: number): unknown =>
  JSON.parse(`${"[".repeat(levels)}${"]".repeat(levels)}`);

const CONNECTION = { connection: {} };
const ANN = { authorize: () => ({ allow: true, principal: "ann" }) as const };
const REPORTS = { authorize: allowAll };

const TOO_MANY_STREAMS = [429, "too-many-streams"] as const;
const TOO_LARGE = [413, "too-large"] as const;

/** The rows of the table in docs/deploying.md. */
const LIMITS: readonly Limit[] = [
  {
    name: "streams in all",
    options: { maxStreams: 1 },
    refused: TOO_MANY_STREAMS,
    async exceed(context) {
      await openStream(context.progress, await context.createJob());
      return stream(context);
    },
  },
  {
    name: "long polls in all, together with streams",
    options: { maxStreams: 2 },
    refused: TOO_MANY_STREAMS,
    async exceed(context) {
      await openStream(context.progress, await context.createJob());
      await hold(context, () => poll(context));
      return poll(context);
    },
  },
  {
    name: "streams of a job",
    options: { maxStreamsPerJob: 1 },
    refused: TOO_MANY_STREAMS,
    async exceed({ progress, createJob }) {
      const id = await createJob();
      await openStream(progress, id);
      return progress.handle(requestFacts(`/${id}`, STREAM));
    },
  },
  {
    name: "long polls of a job",
    options: { maxStreamsPerJob: 1 },
    refused: TOO_MANY_STREAMS,
    async exceed(context) {
      const id = await context.createJob();
      await hold(context, () => pollJob(context, id));
      return pollJob(context, id);
    },
  },
  {
    name: "streams of a connection",
    options: { maxStreamsPerConnection: 1 },
    refused: TOO_MANY_STREAMS,
    async exceed(context) {
      expect((await stream(context, CONNECTION)).status).toBe(200);
      return stream(context, CONNECTION);
    },
  },
  {
    name: "long polls of a connection",
    options: { maxStreamsPerConnection: 1 },
    refused: TOO_MANY_STREAMS,
    async exceed(context) {
      await hold(context, () => poll(context, CONNECTION));
      return poll(context, CONNECTION);
    },
  },
  {
    name: "streams of a principal",
    options: { maxStreamsPerPrincipal: 1, ...ANN },
    refused: TOO_MANY_STREAMS,
    async exceed(context) {
      expect((await stream(context)).status).toBe(200);
      return stream(context);
    },
  },
  {
    name: "long polls of a principal",
    options: { maxStreamsPerPrincipal: 1, ...ANN },
    refused: TOO_MANY_STREAMS,
    async exceed(context) {
      await hold(context, () => poll(context));
      return poll(context);
    },
  },
  {
    name: "streams in all, of which one of many jobs counts as one",
    options: { maxStreams: 2 },
    refused: TOO_MANY_STREAMS,
    async exceed({ progress, createJob }) {
      const [a, b] = [await createJob(), await createJob()];
      const many = () => progress.handle(requestFacts(`/?job=${a}&job=${b}`, STREAM));
      for (let count = 0; count < 2; count += 1) expect((await many()).status).toBe(200);
      return many();
    },
  },
  {
    name: "jobs that a request names",
    options: { maxJobsPerStream: 2 },
    refused: [400, "too-many-targets"],
    async exceed({ progress }) {
      expect((await progress.handle(requestFacts("/?job=a&job=b&job=a"))).status).toBe(200);
      return progress.handle(requestFacts("/?job=a&job=b&job=c"));
    },
  },
  {
    name: "subjects that a request names",
    options: { maxSubjectsPerStream: 1, authorize: allowAll },
    refused: [400, "too-many-targets"],
    async exceed({ progress }) {
      expect((await progress.handle(requestFacts("/?subject=a"))).status).toBe(200);
      return progress.handle(requestFacts("/?subject=a&subject=b", STREAM));
    },
  },
  {
    name: "jobs of a list",
    options: { authorize: allowAll },
    refused: [400, "invalid-request"],
    async exceed({ progress }) {
      expect((await progress.handle(requestFacts("/?subject=a&limit=100"))).status).toBe(200);
      return progress.handle(requestFacts("/?subject=a&limit=101"));
    },
  },
  {
    name: "characters of a query",
    refused: [414, "url-too-long"],
    exceed: ({ progress }) => progress.handle(requestFacts(`/?job=a&seen=${"x".repeat(8_000)}`)),
  },
  {
    name: "requests that wait for authorize",
    options: { maxStreams: 1, authorize: never },
    refused: TOO_MANY_STREAMS,
    async exceed({ progress }) {
      void progress.handle(requestFacts("/a/status"));
      return progress.handle(requestFacts("/b/status"));
    },
  },
  {
    name: "the time of authorize",
    options: { authorize: never },
    refused: [503, "authorize-timed-out"],
    async exceed({ progress }) {
      const answer = progress.handle(requestFacts("/a"));
      await advance(10_000);
      return answer;
    },
  },
  {
    name: "the time of a call of the store",
    refused: [503, "store-unavailable"],
    async exceed({ progress, createJob, store }) {
      const id = await createJob();
      store.hold("read");
      const answer = progress.handle(requestFacts(`/${id}`));
      await advance(10_000);
      return answer;
    },
  },
  {
    name: "reports per second of a job",
    options: { maxReportsPerSecond: 1, ...REPORTS },
    refused: [429, "too-many-reports"],
    exceed: (context) => report(context, times(3)),
  },
  {
    name: "reports of a job that wait for an answer",
    options: REPORTS,
    refused: [429, "too-many-reports"],
    async exceed({ progress, createJob }) {
      const target = `/${await createJob()}/updates`;
      const type = { "content-type": "application/json" };
      const send = () =>
        progress.handle(requestFacts(target, type, { method: "POST", body: never }));
      for (let count = 0; count < 10; count += 1) void send();
      return send();
    },
  },
  {
    name: "bytes of the body of a report",
    options: REPORTS,
    refused: TOO_LARGE,
    exceed: (context) =>
      report(context, times(1), async (limits) => {
        const collected = collectBody(limits);
        collected.add(new Uint8Array(512 * 1024 + 1));
        return collected.text();
      }),
  },
  {
    name: "bytes of a change",
    options: REPORTS,
    refused: TOO_LARGE,
    exceed: (context) => report(context, [{ metadata: { a: "x".repeat(256 * 1024) } }]),
  },
  {
    name: "bytes of a log line",
    options: REPORTS,
    refused: TOO_LARGE,
    exceed: (context) => report(context, [{ log: [{ text: "", data: "x".repeat(32 * 1024) }] }]),
  },
  {
    name: "bytes of the fields of a job",
    options: REPORTS,
    refused: TOO_LARGE,
    exceed: (context) =>
      report(
        context,
        ["a", "b", "c", "d", "e"].map((key) => ({ metadata: { [key]: kibibytes(255) } })),
      ),
  },
  {
    name: "fields of a job, which bounds the keys of its metadata",
    options: REPORTS,
    refused: TOO_LARGE,
    exceed: (context) => report(context, [{ metadata: keys(900) }, { metadata: keys(1_000) }]),
  },
  {
    name: "levels of a value",
    options: REPORTS,
    refused: [400, "invalid-change"],
    exceed: (context) => report(context, [{ metadata: { a: nested(101) } }]),
  },
];

describe("given the request beyond a limit, refuses it, counts it, and asks a retry to wait", () => {
  test.each(LIMITS.map((limit) => [limit.name, limit] as const))("%s", async (_name, limit) => {
    const context = makeContext(limit.options);
    const { progress } = context;
    const [status, code] = limit.refused;
    const answer = await limit.exceed(context);
    expect([answer.status, bodyOf(answer)]).toEqual([status, expect.objectContaining({ code })]);
    expect(progress.metrics().refusals).toMatchObject({ [code]: 1 });
    const waits = status === 429 || status === 503;
    // 2,000 ms and half of the jitter, since `random` returns 0.5.
    expect(answer.headers["retry-after"]).toBe(waits ? "3" : undefined);
    expect(bodyOf(answer)).toHaveProperty("status", status);
    expect((bodyOf(answer) as { retryAfterMs?: number }).retryAfterMs).toBe(
      waits ? 2_500 : undefined,
    );
  });
});

describe("the table of limits in docs/deploying.md", () => {
  const text = readFileSync(new URL("../../../../../docs/deploying.md", import.meta.url), "utf8");
  const [, section = ""] = /\n## Limits\n(.*?)\n## /s.exec(text) ?? [];
  const rows = section
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter((cells) => cells.length === 6);

  test("given an option, tells its default", () => {
    const settings = resolveOptions({ store: memoryStore(), authorize: allowAll });
    const named = rows.flatMap(([, , option, value]) =>
      option?.startsWith("`")
        ? [[option.slice(1, -1), Number(value?.replace(",", ""))] as const]
        : [],
    );
    expect(named.length).toBeGreaterThan(8);
    for (const [option, value] of named)
      expect([option, settings[option as keyof Settings]]).toEqual([option, value]);
  });

  test("given a refusal, it is one of those that are tested here, or that of a slow body", () => {
    const inDocs = rows.map(([, , , , end]) => /^(\d+) `([a-z-]+)`$/.exec(end ?? "")?.slice(1));
    const listed = inDocs.flatMap((refusal) => (refusal === undefined ? [] : [refusal.join(" ")]));
    const tested = LIMITS.map(({ refused }) => refused.join(" "));
    expect([...new Set(listed)].sort()).toEqual(
      [...new Set([...tested, "408 request-timed-out"])].sort(),
    );
  });
});
