import { EventEmitter, once } from "node:events";
import type { Answer, RequestFacts, Sink } from "../../../src/core/http/types.js";

/** One subscriber, seen from the core's side. */
export interface Scripted {
  readonly facts: RequestFacts;
  readonly sink: Sink;
  /** How often the adapter said each. */
  readonly counts: { drained: number; closed: number };
  /** Resolves when the adapter has said so, now or before. */
  until(what: "drained" | "closed"): Promise<void>;
}

/** A core whose every word the test speaks: what a real one says only in rare moments. */
export interface ScriptedCore {
  handle(facts: RequestFacts): Promise<Answer>;
  drain(): Promise<void>;
  /** The next request that came in. */
  request(): Promise<RequestFacts>;
  /** The next subscriber that was let in. */
  subscriber(): Promise<Scripted>;
}

export function scriptedCore(
  answer?: (facts: RequestFacts) => Answer | Promise<Answer>,
): ScriptedCore {
  const requests = mailbox<RequestFacts>();
  const subscribers = mailbox<Scripted>();
  const open = new Set<Scripted>();

  function stream(facts: RequestFacts): Answer {
    return {
      kind: "stream",
      status: 200,
      headers: { "content-type": "text/event-stream; charset=utf-8", vary: "Accept" },
      subscribe(sink) {
        const events = new EventEmitter();
        const counts = { drained: 0, closed: 0 };
        const count = (what: keyof typeof counts) => {
          counts[what] += 1;
          events.emit(what);
        };
        const scripted: Scripted = {
          facts,
          sink,
          counts,
          async until(what) {
            if (counts[what] === 0) await once(events, what);
          },
        };
        open.add(scripted);
        subscribers.put(scripted);
        return {
          drained: () => count("drained"),
          closed: () => {
            open.delete(scripted);
            count("closed");
          },
        };
      },
    };
  }

  return {
    async handle(facts) {
      requests.put(facts);
      return answer ? answer(facts) : stream(facts);
    },
    async drain() {
      const all = [...open];
      for (const { sink } of all) sink.end();
      await Promise.all(all.map(({ until }) => until("closed")));
    },
    request: requests.take,
    subscriber: subscribers.take,
  };
}

function mailbox<Item>(): { put(item: Item): void; take(): Promise<Item> } {
  const waiting: Item[] = [];
  const takers: ((item: Item) => void)[] = [];
  return {
    put(item) {
      const taker = takers.shift();
      if (taker) taker(item);
      else waiting.push(item);
    },
    take() {
      const item = waiting.shift();
      if (item !== undefined) return Promise.resolve(item);
      return new Promise((resolve) => takers.push(resolve));
    },
  };
}
