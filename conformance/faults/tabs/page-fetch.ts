import type { FetchFunction } from "@emlinh/progress-client";
import type { SimulatedPage } from "../../../packages/client/test/support/tabs/page.js";

/** The network of one page. */
export interface PageFetch {
  readonly fetch: FetchFunction;
  /** The requests of feeds that are open: streams and polls of many jobs. */
  readonly openRequests: number;
  /** Aborts every request, as the end of a page does. */
  abort(): void;
}

/**
 * The platform's `fetch` as a page has it: nothing arrives while the page is suspended.
 *
 * @param onRequest - Called before each request of a feed.
 */
export function pageFetch(page: SimulatedPage, onRequest: () => void): PageFetch {
  const all = new Set<AbortController>();
  const ofFeeds = new Set<AbortController>();
  let isGone = false;

  /** Settles as a promise does, but in a task of the page. */
  async function inPage<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } finally {
      await new Promise<void>((resolve) => page.run(resolve));
    }
  }

  function pageBody(body: ReadableStream<Uint8Array>, onEnd: () => void): ReadableStream {
    const reader = body.getReader();
    return new ReadableStream(
      {
        async pull(controller) {
          const { done, value } = await inPage(reader.read());
          if (!done) return controller.enqueue(value);
          onEnd();
          controller.close();
        },
        async cancel(reason) {
          onEnd();
          await reader.cancel(reason);
        },
      },
      { highWaterMark: 0 },
    );
  }

  async function send(url: string, init: RequestInit, request: AbortController): Promise<Response> {
    const onEnd = (): void => {
      all.delete(request);
      ofFeeds.delete(request);
    };
    request.signal.addEventListener("abort", onEnd);
    all.add(request);
    init.signal?.addEventListener("abort", () => request.abort());
    if (isGone || init.signal?.aborted) request.abort();
    try {
      const response = await inPage(fetch(url, { ...init, signal: request.signal }));
      const { status, headers, body } = response;
      if (!body) onEnd();
      return new Response(body && pageBody(body, onEnd), { status, headers });
    } catch (error) {
      onEnd();
      throw error;
    }
  }

  return {
    get openRequests() {
      return ofFeeds.size;
    },
    fetch(url, init) {
      const request = new AbortController();
      if (isOfFeed(url)) {
        onRequest();
        ofFeeds.add(request);
      }
      return send(url, init, request);
    },
    abort() {
      isGone = true;
      for (const request of all) request.abort();
    },
  };
}

/** Each tab loads the older jobs of its lists by itself. */
function isOfFeed(url: string): boolean {
  const { searchParams } = new URL(url);
  const isMany = searchParams.has("job") || searchParams.has("subject");
  return isMany && !searchParams.has("before");
}
