import { EventEmitter, once } from "node:events";
import type { Answer, RequestFacts, Sink } from "../../../src/core/http/types.js";

/** One subscriber, from the core's side. */
export interface Scripted {
  readonly facts: RequestFacts;
  readonly sink: Sink;
  /** How often the adapter called each method. */
  readonly counts: { drained: number; closed: number };
  /** Resolves when the adapter has called the method, now or before. */
  until(method: "drained" | "closed"): Promise<void>;
}

/** A core that the test controls, so that rare moments can be tested. */
export interface ScriptedCore {
  handle(facts: RequestFacts): Promise<Answer>;
  drain(): Promise<void>;
  /** Resolves with the next request. */
  request(): Promise<RequestFacts>;
  /** Resolves with the next subscriber. */
  subscriber(): Promise<Scripted>;
  /** How many requests have come. */
  asked(): number;
}

export function scriptedCore(
  answer?: (facts: RequestFacts) => Answer | Promise<Answer>,
): ScriptedCore {
  const requests = mailbox<RequestFacts>();
  const subscribers = mailbox<Scripted>();
  const open = new Set<Scripted>();
  let asked = 0;

  function stream(facts: RequestFacts): Answer {
    return {
      kind: "stream",
      status: 200,
      headers: { "content-type": "text/event-stream; charset=utf-8", vary: "Accept" },
      subscribe(sink) {
        const events = new EventEmitter();
        const counts = { drained: 0, closed: 0 };
        const count = (method: keyof typeof counts) => {
          counts[method] += 1;
          events.emit(method);
        };
        const scripted: Scripted = {
          facts,
          sink,
          counts,
          async until(method) {
            if (counts[method] === 0) await once(events, method);
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
      asked += 1;
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
    asked: () => asked,
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
