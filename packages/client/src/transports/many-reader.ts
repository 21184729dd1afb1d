import {
  decodeJobDelta,
  decodeListed,
  decodeRefused,
  type JobDelta,
  type Listed,
  type Refused,
} from "@emlinh/progress-protocol";
import type { AnswerReader } from "./transport.js";

/** Takes what the server sends about many jobs. Each function returns whether it is new. */
export interface ManyReceiver {
  /** @returns `undefined` for a delta that cannot be applied. */
  delta(delta: JobDelta): boolean | undefined;
  listed(listed: Listed): boolean;
  refused(refused: Refused): boolean;
  /** Everything that the request asked for has arrived. */
  ready(): void;
}

/** Reads what the server sends about many jobs (P65, P67). */
export function manyReader(receiver: ManyReceiver): AnswerReader {
  let isReady = false;

  function takeDelta(data: unknown): boolean | undefined {
    const delta = decodeJobDelta(data);
    return delta && receiver.delta(delta);
  }

  function takeListed(data: unknown): boolean | undefined {
    const listed = decodeListed(data);
    return listed && receiver.listed(listed);
  }

  /** A refusal whose code is of a later version says nothing that this client could act on. */
  function takeRefused(data: unknown): boolean {
    const refused = decodeRefused(data);
    return refused !== undefined && receiver.refused(refused);
  }

  const takers = new Map([
    ["listed", takeListed],
    ["refused", takeRefused],
    ["snapshot", takeDelta],
    ["progress", takeDelta],
    ["log", takeDelta],
    ["end", takeDelta],
  ]);

  return {
    expected: "the progress of many jobs",
    readEvent(name, data) {
      if (name === "ready") {
        isReady = true;
        receiver.ready();
        return "ready";
      }
      const take = takers.get(name);
      if (!take) return undefined;
      if (take(data) === undefined) return "strange";
      return isReady ? "change" : "answer";
    },
    readPoll(data) {
      const { listed, refused, jobs } = (data ?? {}) as Readonly<Record<string, unknown>>;
      if (!Array.isArray(listed) || !Array.isArray(refused) || !Array.isArray(jobs))
        return undefined;
      // A list comes before the deltas of the jobs that it adds.
      const news = [...listed.map(takeListed), ...refused.map(takeRefused), ...jobs.map(takeDelta)];
      if (news.includes(undefined)) return undefined;
      receiver.ready();
      return news.includes(true);
    },
  };
}
