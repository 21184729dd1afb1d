import { type Applied, type Delta, decodeDelta } from "@emlinh/progress-protocol";
import { stringOf } from "./json.js";
import type { AnswerReader } from "./transport.js";

const DELTAS = ["snapshot", "progress", "log", "end"];

/**
 * Reads what the server sends about one job.
 *
 * @param receive - Applies a delta; `undefined` for data that are not one. After `unknown-epoch` the next request asks
 * for everything.
 */
export function jobReader(receive: (delta: Delta | undefined) => Applied): AnswerReader {
  /** The cursor of `hello`. The frames up to it answer the request. */
  let answeredTo = "";

  return {
    expected: "a delta of this job",
    readEvent(name, data) {
      if (name === "hello") answeredTo = stringOf(data, "cursor", "");
      if (!DELTAS.includes(name)) return undefined;
      const delta = decodeDelta(data);
      if (receive(delta) === "unknown-epoch") return "strange";
      // A change that a poll has brought already (`known`) proves as much as a new one.
      return delta?.cursor === answeredTo ? "answer" : "change";
    },
    readPoll(data) {
      const applied = receive(decodeDelta(data));
      return applied === "unknown-epoch" ? undefined : applied !== "known";
    },
  };
}
