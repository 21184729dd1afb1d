import { ProgressError } from "@emlinh/progress-protocol";
import {
  createProgress,
  memoryStore,
  type Progress,
  type ProgressStore,
  type RequestFacts,
} from "@emlinh/progress-server";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BACKENDS } from "./backends.js";
import { openStore } from "./open-store.js";

interface Shared {
  /** Opens the store as one more process of the app does. */
  open(): Promise<ProgressStore>;
  close(): Promise<void>;
}

async function memory(): Promise<Shared> {
  const store = memoryStore();
  return { open: async () => store, close: () => store.close() };
}

const SHARED: readonly (readonly [name: string, start: () => Promise<Shared>])[] = [
  ["memory", memory],
  ...BACKENDS.map(
    ({ name, start }) =>
      [
        name,
        async (): Promise<Shared> => {
          const backend = await start();
          const closing: (() => Promise<void>)[] = [];
          return {
            async open() {
              const { store, close } = await openStore(backend.address);
              closing.push(close);
              return store;
            },
            async close() {
              for (const close of closing) await close();
              await backend.stop();
            },
          };
        },
      ] as const,
  ),
];

const A = "a".repeat(32);
const B = "b".repeat(32);

describe.each(SHARED)("reports over HTTP to %s", (_name, start) => {
  let shared: Shared;
  let opened: Progress[];

  beforeEach(async () => {
    shared = await start();
    opened = [];
  });
  afterEach(async () => {
    for (const progress of opened) await progress.close();
    await shared.close();
  });

  /** One more process of the app. @param change - Changes its store. */
  async function serve(change = (store: ProgressStore) => store): Promise<Progress> {
    const progress = createProgress({
      store: change(await shared.open()),
      authorize: () => true,
      sweepIntervalMs: false,
      onError() {},
    });
    opened.push(progress);
    return progress;
  }

  async function report(progress: Progress, id: string, body: object) {
    const facts: RequestFacts = {
      method: "POST",
      path: `/${id}/updates`,
      query: new URLSearchParams(),
      header: (name) => (name === "content-type" ? "application/json" : undefined),
      raw: undefined,
      body: async () => JSON.stringify(body),
      signal: new AbortController().signal,
    };
    const answer = await progress.handle(facts);
    if (answer.kind !== "body") throw new Error("The answer is a stream.");
    return { http: answer.status, ...(JSON.parse(answer.body ?? "{}") as { code?: string }) };
  }

  async function linesOf(progress: Progress, id: string): Promise<string[]> {
    const answer = await progress.handle({
      method: "GET",
      path: `/${id}`,
      query: new URLSearchParams(),
      header: () => undefined,
      raw: undefined,
      signal: new AbortController().signal,
    });
    const { log = [] } = JSON.parse((answer.kind === "body" && answer.body) || "{}") as {
      log?: { text: string }[];
    };
    return log.map(({ text }) => text);
  }

  test("given reports that arrive late and twice at two processes, stores each once and in order", async () => {
    const servers = [await serve(), await serve()] as const;
    const { id } = await servers[0].create({ kind: "test" });
    const bodies = Array.from({ length: 12 }, (_, index) => ({
      hold: { token: A, count: index + 1 },
      ...(index === 0 && { open: {} }),
      percent: 8 * index,
      log: [{ text: `line ${index}` }],
    }));
    for (const [index, body] of bodies.entries()) {
      const server = servers[index % 2 === 0 ? 0 : 1];
      const late = bodies.slice(Math.max(0, index - 2), index);
      const answers = await Promise.all(
        [body, ...late, body].map((one) => report(server, id, one)),
      );
      expect(answers.map(({ http }) => http)).toEqual(answers.map(() => 200));
    }
    expect(await servers[1].status(id)).toMatchObject({ percent: 88, attempt: 1 });
    expect(await linesOf(servers[1], id)).toEqual(bodies.map((_, index) => `line ${index}`));
  });

  test("given ten workers that open a job at the same time, lets one in", async () => {
    const servers = [await serve(), await serve()] as const;
    const { id } = await servers[0].create({ kind: "test" });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => {
        const hold = { token: `${index}`.repeat(16), count: 1 };
        return report(servers[index % 2 === 0 ? 0 : 1], id, { hold, open: {} });
      }),
    );
    expect(answers.filter(({ http }) => http === 200)).toHaveLength(1);
    expect(answers.filter(({ code }) => code === "job-held")).toHaveLength(9);
  });

  test("given a former worker that reports while another one takes over, the percent does not fall", async () => {
    const first = await serve();
    const { id } = await first.create({ kind: "test" });
    await report(first, id, { hold: { token: A, count: 1 }, open: {}, percent: 40 });
    const second = await serve((store) =>
      beforeOpening(store, async () => {
        await report(first, id, { hold: { token: A, count: 2 }, percent: 90 });
      }),
    );
    const taking = { hold: { token: B, count: 1 }, open: { takeOver: true }, percent: 50 };
    expect(await report(second, id, taking)).toMatchObject({ http: 200 });
    expect(await first.status(id)).toMatchObject({ percent: 90 });
  });

  test("given a former worker that begins a step while the next attempt begins, removes the step", async () => {
    const first = await serve();
    const { id } = await first.create({ kind: "test", plan: ["one", "two"] });
    await report(first, id, { hold: { token: A, count: 1 }, open: {} });
    const second = await serve((store) =>
      beforeOpening(store, async () => {
        const steps = { one: { status: "completed" } };
        await report(first, id, { hold: { token: A, count: 2 }, steps });
      }),
    );
    const next = { hold: { token: B, count: 1 }, open: { attempt: "next" } };
    expect(await report(second, id, next)).toMatchObject({ http: 200, attempt: 2 });
    expect(await first.status(id)).toMatchObject({ attempt: 2, percent: 0, steps: {} });
  });

  test("given a store that fails between the opening and the report, a repeated request completes it", async () => {
    const failing = await serve((store) => failingOnce(store));
    const other = await serve();
    const { id } = await other.create({ kind: "test" });
    const body = { hold: { token: A, count: 1 }, open: {}, percent: 7, log: [{ text: "once" }] };
    expect(await report(failing, id, body)).toMatchObject({ http: 503 });
    expect(await other.status(id)).toMatchObject({ status: "running", percent: null });
    for (const server of [other, failing])
      expect(await report(server, id, body)).toMatchObject({ http: 200, attempt: 1 });
    expect(await other.status(id)).toMatchObject({ percent: 7 });
    expect(await linesOf(other, id)).toEqual(["once"]);
  });
});

/** A store that does something before its first write that opens a job. */
function beforeOpening(store: ProgressStore, act: () => Promise<void>): ProgressStore {
  let hasActed = false;
  return {
    ...store,
    async write(jobId, change) {
      if (change.hold?.opens !== undefined && !hasActed) {
        hasActed = true;
        await act();
      }
      return store.write(jobId, change);
    },
  };
}

/** A store that fails the first write that reports without opening the job. */
function failingOnce(store: ProgressStore): ProgressStore {
  let hasFailed = false;
  return {
    ...store,
    async write(jobId, change) {
      if (change.hold === undefined || change.hold.opens !== undefined || hasFailed)
        return store.write(jobId, change);
      hasFailed = true;
      throw new ProgressError("store-unavailable", { message: "Away.", retryable: true });
    },
  };
}
