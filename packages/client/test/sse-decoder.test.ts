import {
  type Bye,
  byeFrame,
  type Delta,
  decodeDelta,
  deltaFrame,
  eventOf,
  isTerminal,
} from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { loadVectors } from "../../../conformance/vectors/load.js";
import { sseDecoder } from "../src/transports/sse-decoder.js";

interface Vectors {
  readonly encode: readonly {
    readonly id: string;
    readonly send: {
      readonly delta?: Omit<Delta, "done"> & { readonly done?: boolean };
      readonly bye?: Bye;
    };
    readonly text: string;
  }[];
  readonly decode: readonly {
    readonly id: string;
    readonly what: string;
    readonly text: string;
    readonly events: readonly object[];
    readonly retryMs?: number;
  }[];
}

const vectors = loadVectors<Vectors>("frames.json");

/** The events of some chunks. Absent members are left out, as in the vectors. */
function decodeAll(chunks: readonly Uint8Array[]): { events: object[]; retryMs?: number } {
  const decoded: { events: object[]; retryMs?: number } = { events: [] };
  const decode = sseDecoder(
    (message) => decoded.events.push(JSON.parse(JSON.stringify(message))),
    (retryMs) => {
      decoded.retryMs = retryMs;
    },
  );
  for (const chunk of chunks) decode(chunk);
  return decoded;
}

/** The bytes whole, one by one, and in two parts at every position. */
function cuts(text: string): readonly Uint8Array[][] {
  const bytes = new TextEncoder().encode(text);
  const two = [...bytes.keys()].map((at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return [[bytes], [...bytes].map((byte) => Uint8Array.of(byte)), ...two];
}

describe("given the frames of any server or proxy, cut at every byte", () => {
  test.each(vectors.decode)("$id: $what", ({ text, events, retryMs }) => {
    for (const chunks of cuts(text)) {
      const decoded = decodeAll(chunks);
      expect(decoded.events).toEqual(events);
      if (retryMs !== undefined) expect(decoded.retryMs).toBe(retryMs);
    }
  });
});

describe("given the frames of our server, cut at every byte", () => {
  test.each(vectors.encode)("$id gives back what was sent", ({ send, text }) => {
    for (const chunks of cuts(text)) {
      const [message, ...more] = decodeAll(chunks).events as { event: string; data: string }[];
      expect(more).toEqual([]);
      const data = JSON.parse(message?.data ?? "") as object;
      if (send.delta) {
        const delta: Delta = { done: isTerminal(send.delta.set.status), ...send.delta };
        expect(message).toMatchObject({ event: eventOf(delta), id: delta.cursor });
        expect(decodeDelta(data)).toEqual(delta);
      } else expect(Object.values(send)).toContainEqual(data);
    }
  });
});

test("given a CR at the end of a chunk, delivers the event at once, and the LF that follows ends no line", () => {
  const seen: string[] = [];
  const decode = sseDecoder(
    ({ data }) => seen.push(data),
    () => {},
  );
  const encode = (text: string): void => decode(new TextEncoder().encode(text));
  encode("data: 1\r\r");
  expect(seen).toEqual(["1"]);
  encode("\ndata: 2\r");
  encode("\n");
  expect(seen).toEqual(["1"]);
  encode("data: 3\r\n\r\n");
  expect(seen).toEqual(["1", "2\n3"]);
});

test("given a frame without an end, throws instead of filling the memory", () => {
  const decode = sseDecoder(
    () => {},
    () => {},
  );
  const chunk = new TextEncoder().encode("x".repeat(2 ** 23));
  const flood = (): void => {
    for (let count = 0; count < 20; count += 1) decode(chunk);
  };
  expect(flood).toThrow();
});

test("given a delta with every line end in its values, one frame holds it", () => {
  const delta: Delta = {
    cursor: "e.1",
    reset: true,
    set: { message: "a\r\nevent: end\n\n", status: "running" },
    log: [],
    done: false,
  };
  const bytes = new TextEncoder().encode(
    deltaFrame(delta) + byeFrame({ reason: "age", retryMs: 5 }),
  );
  const { events } = decodeAll([bytes]);
  expect(events).toHaveLength(2);
});
