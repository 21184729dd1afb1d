import {
  applyDelta,
  type Delta,
  decodeDelta,
  deltaAfter,
  emptyReplica,
  eventOf,
  type Json,
  stateOf,
  toWire,
} from "@emlinh/progress-protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadVectors } from "../../../conformance/vectors/load.js";
import { json, typedHistory } from "./support/arbitraries.js";
import { cursorAt, storedJob } from "./support/stored-job.js";

interface Case {
  readonly id: string;
  readonly what: string;
  readonly data: Json;
}

const { refused, accepted } = loadVectors<{
  refused: Case[];
  accepted: (Case & { delta: Delta })[];
}>("malformed.json");

/** A delta of a job, at a random cursor. The values of its fields have the right types. */
const delta: fc.Arbitrary<Delta> = fc
  .tuple(typedHistory, fc.option(fc.nat()))
  .map(([changes, after]) => {
    const job = storedJob(changes);
    return deltaAfter(job, after === null ? undefined : cursorAt(after % (job.version + 1)));
  });

const overWire = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

describe("malformed.json", () => {
  test.each(refused)("$id: given $what, is refused", ({ data }) => {
    expect(decodeDelta(data)).toBeUndefined();
  });

  test.each(accepted)("$id: given $what, is accepted", ({ data, delta }) => {
    expect(decodeDelta(data)).toEqual(delta);
  });

  const members = ["cursor", "set", "reset", "done", "log"];
  test.each(members)("given the member %s, has a case with a value of the wrong type", (member) => {
    expect(refused.some(({ data }) => breaks(data, member))).toBe(true);
  });

  // `result` is any JSON. The others are not stored.
  const anyJsonOrDerived = ["id", "etaMs", "steps", "metadata", "result"];
  const fields = Object.keys(stateOf("job", {}, 0)).filter(
    (name) => !anyJsonOrDerived.includes(name),
  );
  test.each([...fields, "steps.a"])(
    "given the field %s, has a case with a value of the wrong type",
    (field) => {
      expect(refused.some(({ data }) => breaks((data as { set?: Json } | null)?.set, field))).toBe(
        true,
      );
    },
  );

  function breaks(object: Json | undefined, name: string): boolean {
    return typeof object === "object" && object !== null && Object.hasOwn(object, name);
  }
});

describe("decodeDelta", () => {
  test("given any delta as JSON, returns it unchanged", () => {
    fc.assert(
      fc.property(delta, (delta) => {
        expect(decodeDelta(overWire(toWire(delta)))).toEqual(delta);
      }),
    );
  });

  test("given any JSON, does not throw", () => {
    fc.assert(fc.property(fc.option(json, { nil: undefined }), (data) => void decodeDelta(data)));
  });

  test("given a delta with any part replaced by any JSON, returns a delta that can be applied, or undefined", () => {
    fc.assert(
      fc.property(delta, fc.nat(), json, (delta, part, value) => {
        const decoded = decodeDelta(replacePart(overWire(toWire(delta)), part, value));
        if (decoded === undefined) return;
        const reader = emptyReplica();
        applyDelta(reader, { ...decoded, reset: true });
        stateOf("job", deltaAfter(reader).set, 0);
        expect(decodeDelta(overWire(toWire(decoded)))).toEqual(decoded);
      }),
    );
  });

  test("given unknown members and fields, decodes the rest as without them, and the state ignores them", () => {
    fc.assert(
      fc.property(delta, json, (delta, value) => {
        const wire = toWire(delta);
        const odd = {
          ...wire,
          set: { ...wire.set, colour: value, "things.a": value },
          now: 5,
          extra: value,
        };
        const decoded = decodeDelta(overWire(odd));
        expect(decoded).toEqual({
          ...delta,
          set: { ...delta.set, colour: value, "things.a": value },
        });
        expect(stateOf("job", decoded?.set ?? {}, 0)).toEqual(stateOf("job", delta.set, 0));
      }),
    );
  });
});

describe("the event and the wire form of a delta", () => {
  test("given any delta, are an end exactly if the job has ended", () => {
    fc.assert(
      fc.property(delta, (delta) => {
        expect(eventOf(delta) === "end").toBe(delta.done);
        expect(toWire(delta).done === true).toBe(delta.done);
      }),
    );
  });
});

/** A copy of a JSON value in which one of its parts, counted from the outermost one, is replaced. */
function replacePart(whole: Json, part: number, value: Json): Json {
  const paths: (readonly string[])[] = [];
  const collect = (json: Json, path: readonly string[]): void => {
    paths.push(path);
    if (typeof json !== "object" || json === null) return;
    for (const [name, inner] of Object.entries(json)) collect(inner, [...path, name]);
  };
  collect(whole, []);
  const path = paths[part % paths.length] ?? [];
  const last = path.at(-1);
  if (last === undefined) return value;
  const copy = structuredClone(whole);
  let parent = copy as Record<string, Json>;
  for (const name of path.slice(0, -1)) parent = parent[name] as Record<string, Json>;
  parent[last] = value;
  return copy;
}
