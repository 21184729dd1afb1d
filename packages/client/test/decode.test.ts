import {
  type Bye,
  byeFrame,
  type Delta,
  deltaFrame,
  eventOf,
  fromWire,
} from "@emlinh/progress-protocol";
import { describe, expect, test } from "vitest";
import { loadVectors } from "../../../conformance/vectors/load.js";
import { makeDecoder } from "../src/transports/decode.js";

interface Vectors {
  readonly encode: readonly {
    readonly id: string;
    readonly send: { readonly delta?: Delta; readonly bye?: Bye };
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

/** What a decoder tells of chunks: absent members are left out, as in the vectors. */
function decodeAll(chunks: readonly Uint8Array[]): { events: object[]; retryMs?: number } {
  const told: { events: object[]; retryMs?: number } = { events: [] };
  const decode = makeDecoder({
    event: (message) => told.events.push(JSON.parse(JSON.stringify(message))),
    retry: (retryMs) => {
      told.retryMs = retryMs;
    },
  });
  for (const chunk of chunks) decode(chunk);
  return told;
}

/** The bytes whole, one by one, and in two parts at every place. */
function cuts(text: string): readonly Uint8Array[][] {
  const bytes = new TextEncoder().encode(text);
  const two = [...bytes.keys()].map((at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  return [[bytes], [...bytes].map((byte) => Uint8Array.of(byte)), ...two];
}

describe("given what any server or proxy might send, cut at every byte", () => {
  test.each(vectors.decode)("$id: $what", ({ text, events, retryMs }) => {
    for (const chunks of cuts(text)) {
      const told = decodeAll(chunks);
      expect(told.events).toEqual(events);
      if (retryMs !== undefined) expect(told.retryMs).toBe(retryMs);
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
        expect(message).toMatchObject({ event: eventOf(send.delta), id: send.delta.cursor });
        expect(fromWire(data)).toEqual(send.delta);
      } else expect(Object.values(send)).toContainEqual(data);
    }
  });
});

test("given a CR at the end of a chunk, tells the event at once, and the LF that follows ends no line", () => {
  const seen: string[] = [];
  const decode = makeDecoder({ event: ({ data }) => seen.push(data), retry: () => {} });
  const encode = (text: string): void => decode(new TextEncoder().encode(text));
  encode("data: 1\r\r");
  expect(seen).toEqual(["1"]);
  encode("\ndata: 2\r");
  encode("\n");
  expect(seen).toEqual(["1"]);
  encode("data: 3\r\n\r\n");
  expect(seen).toEqual(["1", "2\n3"]);
});

test("given a frame that never ends, throws instead of filling the memory", () => {
  const decode = makeDecoder({ event: () => {}, retry: () => {} });
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
  };
  const bytes = new TextEncoder().encode(
    deltaFrame(delta) + byeFrame({ reason: "age", retryMs: 5 }),
  );
  const { events } = decodeAll([bytes]);
  expect(events).toHaveLength(2);
});
