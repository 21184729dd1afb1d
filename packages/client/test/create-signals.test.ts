import { getEventListeners } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { managerFixture } from "./support/manager-fixture.js";

const fixture = managerFixture();
const { make, serveCreate, posts } = fixture;

const listenersOf = ({ signal }: AbortController) => getEventListeners(signal, "abort").length;

/** Calls of `create` that share one request, each with its own signal. */
function shared(count: number) {
  const videos = make();
  return Array.from({ length: count }, (_, index) => {
    const abort = new AbortController();
    const outcome = videos
      .create({ topic: "a" }, { signal: abort.signal, key: "k" })
      .then(({ jobId }) => jobId)
      .catch((error: unknown) => error);
    return { abort, outcome, leave: () => abort.abort(`${index} left`) };
  });
}

describe("calls of create that share a request", () => {
  test("given one that leaves, the others get the job", async () => {
    serveCreate(() => true);
    const [first, second, third] = shared(3);
    const { response } = await fixture.server.request(1);
    first?.leave();
    third?.leave();
    expect(await first?.outcome).toBe("0 left");
    expect(await third?.outcome).toBe("2 left");
    response.end('{"jobId":"a"}');
    expect(await second?.outcome).toBe("a");
    expect(posts()).toHaveLength(1);
  });

  test("given that all leave, the request is aborted, and the next call sends another", async () => {
    serveCreate((_request, count) => count === 1);
    const videos = make();
    const calls = [new AbortController(), new AbortController()].map((abort) => ({
      abort,
      creating: videos.create({}, { key: "k", signal: abort.signal }),
    }));
    const { gone } = await fixture.server.request(1);
    const left = Promise.allSettled(calls.map(({ creating }) => creating));
    for (const { abort } of calls) abort.abort();
    const next = videos.create({}, { key: "k" });
    await gone;
    expect((await left).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect((await next).jobId).toBe("job1");
    expect(posts()).toHaveLength(2);
  });

  test("given a signal that has aborted, rejects with its reason, sends nothing, and disturbs nobody", async () => {
    serveCreate();
    const videos = make();
    const signal = AbortSignal.abort("gone before");
    await expect(videos.create({}, { signal })).rejects.toBe("gone before");
    expect(posts()).toHaveLength(0);
    const working = videos.create({});
    await expect(videos.create({}, { signal })).rejects.toBe("gone before");
    expect((await working).jobId).toBe("job1");
    expect(posts()).toHaveLength(1);
  });

  test("given a signal without a reason, as before 2022, rejects with an error that says so", async () => {
    serveCreate(() => true);
    const abort = new AbortController();
    Object.defineProperty(abort.signal, "reason", { value: undefined });
    const creating = make().create({}, { signal: abort.signal });
    await fixture.server.request(1);
    abort.abort();
    await expect(creating).rejects.toMatchObject({ code: "stopped" });
  });

  test("given an input and a key of the same text, they are two jobs", async () => {
    serveCreate();
    const videos = make();
    const watches = await Promise.all([videos.create({}), videos.create({ a: 1 }, { key: "{}" })]);
    expect(new Set(watches.map(({ jobId }) => jobId)).size).toBe(2);
  });
});

describe("the listeners that are added to a caller's signal", () => {
  test("given 300 calls of create, resolved, refused and aborted, none is left", async () => {
    serveCreate(({ body, response }) => {
      const { n } = JSON.parse(body) as { n: number };
      return n % 2 === 1 && Boolean(response.writeHead(400).end());
    });
    const [abort, other] = [new AbortController(), new AbortController()];
    const videos = make();
    for (let n = 0; n < 100; n += 1) {
      const outcomes = await Promise.allSettled([
        videos.create({ n }, { signal: abort.signal }),
        videos.create({ n }, { signal: abort.signal }),
        videos.create({ n }, { signal: abort.signal }),
      ]);
      expect(outcomes).toHaveLength(3);
      expect(listenersOf(abort)).toBe(0);
    }
    const creating = videos.create({ n: 0 }, { signal: other.signal });
    other.abort();
    await expect(creating).rejects.toBe(other.signal.reason);
    expect(listenersOf(other)).toBe(0);
  });

  test("given 300 watches of a manager with a signal, there is one, and none after close", () => {
    const abort = new AbortController();
    const videos = make({ signal: abort.signal });
    for (let count = 1; count <= 300; count += 1) videos.watch(`j${count}`).subscribe(() => {});
    expect(listenersOf(abort)).toBe(1);
    videos.close();
    expect(listenersOf(abort)).toBe(0);
  });

  test("given 300 managers that were closed or aborted, none is left", () => {
    const [abort, closing] = [new AbortController(), new AbortController()];
    for (let count = 1; count <= 300; count += 1) {
      make({ signal: closing.signal }).close();
      expect(listenersOf(closing)).toBe(0);
    }
    make({ signal: abort.signal }).watch("a");
    abort.abort();
    expect(listenersOf(abort)).toBe(0);
  });
});

describe("onRetry", () => {
  test("given a full queue, tells each caller the refusal and the time of the next try", async () => {
    const refusal = { code: "queue-full", detail: "The queue is full." };
    serveCreate(({ response }, count) => {
      if (count > 2) return false;
      response.writeHead(429, { "retry-after": "12", "content-type": "application/problem+json" });
      return Boolean(response.end(JSON.stringify(refusal)));
    });
    const videos = make();
    const listeners = [vi.fn(), vi.fn()];
    const creating = Promise.all(listeners.map((onRetry) => videos.create({}, { onRetry })));
    for (const attempt of [1, 2]) {
      await fixture.time.untilPending(12_000);
      for (const listener of listeners)
        expect(listener).toHaveBeenLastCalledWith({
          attempt,
          retryAt: fixture.time.clock() + 12_000,
          error: expect.objectContaining({
            code: "refused",
            message: "The queue is full.",
            status: 429,
            retryable: true,
            details: { ...refusal, status: 429 },
          }),
        });
      fixture.time.advance(12_000);
    }
    expect(new Set((await creating).map(({ jobId }) => jobId))).toEqual(new Set(["job1"]));
    for (const listener of listeners) expect(listener).toHaveBeenCalledTimes(2);
  });

  test.each(["in onRetry", "later"])(
    "given a signal that aborts %s, the wait ends at once",
    async (moment) => {
      serveCreate(({ response }) =>
        Boolean(response.writeHead(429, { "retry-after": "3600" }).end()),
      );
      const abort = new AbortController();
      const onRetry = vi.fn(() => {
        if (moment === "in onRetry") abort.abort("gave up");
      });
      const creating = make().create({}, { signal: abort.signal, onRetry });
      const outcome = expect(creating).rejects.toBe("gave up");
      if (moment === "later") {
        await fixture.time.untilPending(3_600_000);
        abort.abort("gave up");
      }
      await outcome;
      expect(fixture.time.pending()).toEqual([]);
      expect(listenersOf(abort)).toBe(0);
      expect(onRetry).toHaveBeenCalledTimes(1);
      expect(posts()).toHaveLength(1);
    },
  );

  test("given a listener that throws, onError gets the error, and the attempts go on", async () => {
    serveCreate(({ response }, count) => count === 1 && Boolean(response.writeHead(503).end()));
    const onError = vi.fn();
    const onRetry = () => {
      throw new Error("a bug of the page");
    };
    const creating = make({ onError }).create({}, { onRetry });
    await fixture.time.untilPending(1000);
    fixture.time.advance(1000);
    expect((await creating).jobId).toBe("job1");
    expect(onError).toHaveBeenCalledWith(new Error("a bug of the page"));
  });

  test("given no failure, or one that is final, it is not called", async () => {
    serveCreate(({ response }, count) => count === 2 && Boolean(response.writeHead(404).end()));
    const onRetry = vi.fn();
    const videos = make();
    await videos.create({}, { onRetry });
    await expect(videos.create({}, { onRetry })).rejects.toMatchObject({ code: "refused" });
    expect(onRetry).not.toHaveBeenCalled();
  });
});

describe("a slow route", () => {
  test("given an answer after nearly five minutes, one request was sent", async () => {
    serveCreate(() => true);
    const creating = make().create({});
    const { response } = await fixture.server.request(1);
    fixture.time.advance(299_999);
    response.end('{"jobId":"a"}');
    expect((await creating).jobId).toBe("a");
    expect(posts()).toHaveLength(1);
    expect(fixture.time.pending()).toEqual([]);
  });

  test("given no answer within createTimeoutMs, rejects, and sends no second request", async () => {
    serveCreate(() => true);
    const creating = make({ createTimeoutMs: 7000 }).create({});
    const { gone } = await fixture.server.request(1);
    fixture.time.advance(7000);
    await expect(creating).rejects.toMatchObject({
      code: "network",
      retryable: false,
      message: expect.stringContaining("7000 ms"),
    });
    await gone;
    expect(posts()).toHaveLength(1);
    expect(fixture.time.pending()).toEqual([]);
  });

  test("given createTimeoutMs of Infinity, there is no limit", async () => {
    serveCreate(() => true);
    const creating = make({ createTimeoutMs: Number.POSITIVE_INFINITY }).create({});
    const { response } = await fixture.server.request(1);
    expect(fixture.time.pending()).toEqual([]);
    response.end('{"jobId":"a"}');
    expect((await creating).jobId).toBe("a");
  });

  test.each([0, -1, Number.NaN, "5" as never])("given createTimeoutMs of %o, throws", (value) => {
    expect(() => make({ createTimeoutMs: value })).toThrow(/createTimeoutMs/);
  });
});
