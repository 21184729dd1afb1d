import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import type { Contender } from "./contender.js";
import { makeEvent } from "./event.js";

/** What a publisher does until it is stopped. */
export interface Load {
  readonly topics: number;
  /** Events in all topics together; `undefined` for as many as the readers take. */
  readonly perSecond?: number | undefined;
  /** Events in one turn of the event loop, if there is no rate. @defaultValue 1 */
  readonly perTurn?: number | undefined;
  /** Added to the size of each event. @defaultValue 0 */
  readonly extraBytes?: number | undefined;
}

/** Publishes events, one topic after the other. */
export interface Publisher {
  start(load: Load): void;
  stop(): void;
  /** Publishes events in one topic. Resolves when all are published. */
  publish(history: { readonly topic: number; readonly count: number }): Promise<void>;
  /** Events published so far. */
  sent(): number;
}

/** The share of the sockets that is looked at after each turn: one in so many. */
const LOOKED_AT = 4;

/** Events that are published together, where nobody waits for each one. */
const BATCH = 1_000;

/** Makes a publisher, which measures the queues of `sockets`. */
export function createPublisher(contender: Contender, sockets: ReadonlySet<Socket>): Publisher {
  const seqs: number[] = [];
  let sent = 0;
  let running: object | undefined;

  function publish(topic: number, extraBytes?: number): unknown {
    const seq = (seqs[topic] ?? 0) + 1;
    seqs[topic] = seq;
    sent += 1;
    return contender.publish(topic, makeEvent(topic, seq, extraBytes));
  }

  function publishNext({ topics, extraBytes }: Load): unknown {
    return publish(sent % topics, extraBytes);
  }

  async function saturate(load: Load, run: object): Promise<void> {
    const all = [...sockets];
    let turns = 0;
    const isFull = (): boolean => {
      turns += 1;
      for (let index = turns % LOOKED_AT; index < all.length; index += LOOKED_AT)
        if (contender.isFull(all[index]?.writableLength ?? 0)) return true;
      return false;
    };
    while (running === run) {
      const pending: unknown[] = [];
      for (let count = 0; count < (load.perTurn ?? 1); count += 1) pending.push(publishNext(load));
      await Promise.all(pending);
      do await turn();
      while (running === run && isFull());
    }
  }

  function atRate(load: Load, perSecond: number, run: object): void {
    const begun = performance.now();
    let done = 0;
    const timer = setInterval(() => {
      if (running !== run) return clearInterval(timer);
      const due = ((performance.now() - begun) / 1_000) * perSecond;
      for (; done + 1 <= due; done += 1) void publishNext(load);
    }, 1);
  }

  return {
    start(load) {
      running = {};
      if (load.perSecond === undefined) void saturate(load, running);
      else atRate(load, load.perSecond, running);
    },
    stop() {
      running = undefined;
    },
    async publish({ topic, count }) {
      for (let from = 0; from < count; from += BATCH) {
        const size = Math.min(BATCH, count - from);
        await Promise.all(Array.from({ length: size }, () => publish(topic)));
      }
    },
    sent: () => sent,
  };
}
