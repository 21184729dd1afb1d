import { expectTypeOf, test } from "vitest";
import {
  type AnyJob,
  defineJob,
  type JobDefinition,
  type JobTypes,
  type Json,
  typed,
} from "../src/index.js";

/** `JobDefinition` as the other package declares it: another interface of the same shape. */
interface ForeignDefinition<Job extends JobTypes> {
  readonly kind: string;
  readonly plan: JobDefinition<Job>["plan"];
  readonly metadata?: JobDefinition<Job>["metadata"];
  readonly input?: JobDefinition<Job>["input"];
  readonly result?: JobDefinition<Job>["result"];
  readonly types?: JobDefinition<Job>["types"];
}

interface VideoJob {
  readonly step: "speech" | "render";
  readonly metadata: { readonly topic: string };
  readonly result: { readonly videoUrl: string };
  readonly input: { readonly words: number };
}

declare const foreign: ForeignDefinition<VideoJob>;
declare function create<Job extends JobTypes = AnyJob>(definition: JobDefinition<Job>): Job;

test("given a definition made by the other package, infers its types", () => {
  expectTypeOf(create(foreign)).toEqualTypeOf<VideoJob>();
});

test("given a definition made by this package, infers the types of its parts", () => {
  const definition = defineJob({
    kind: "video",
    plan: [
      { id: "speech", title: "Speech", weight: 1 },
      { id: "render", title: "Render", weight: 6 },
    ],
    input: typed<VideoJob["input"]>(),
    metadata: typed<VideoJob["metadata"]>(),
    result: typed<VideoJob["result"]>(),
  });
  expectTypeOf(create(definition)).toEqualTypeOf<VideoJob>();
});

test("given a type that JSON would change, a definition does not compile", () => {
  // @ts-expect-error a Date arrives as a string
  defineJob({ kind: "a", result: typed<Date>() });
  // @ts-expect-error also within an object
  defineJob({ kind: "a", result: typed<{ readonly at?: Date }>() });
  // @ts-expect-error a Map arrives empty
  defineJob({ kind: "a", result: typed<{ readonly counts: Map<string, number> }>() });
  // @ts-expect-error a Set arrives empty
  defineJob({ kind: "a", result: typed<readonly Set<string>[]>() });
  // @ts-expect-error a function is lost
  defineJob({ kind: "a", metadata: typed<{ readonly onEnd: () => void }>() });
  // @ts-expect-error BigInt can't be written
  defineJob({ kind: "a", metadata: typed<{ readonly size: bigint | null }>() });
  // @ts-expect-error bytes arrive as an object
  defineJob({ kind: "a", metadata: typed<{ readonly bytes: Uint8Array }>() });
});

test("given any type of plain JSON, a definition keeps it", () => {
  interface Tree {
    readonly name: string;
    readonly children: readonly Tree[];
  }
  interface Result {
    readonly pair: readonly [number, string | null];
    readonly tree?: Tree | undefined;
    readonly kind: { readonly type: "a"; readonly a: number } | { readonly type: "b" };
    readonly byName: { readonly [name: string]: boolean };
    readonly data: Json;
    readonly other: unknown;
  }
  const definition = defineJob({ kind: "a", result: typed<Result>() });
  expectTypeOf(create(definition).result).toEqualTypeOf<Result>();
  // biome-ignore lint/suspicious/noExplicitAny: untyped code has this type.
  expectTypeOf(create(defineJob({ kind: "a", result: typed<any>() })).result).toBeAny();
  expectTypeOf(create(defineJob({ kind: "a", result: typed<null>() })).result).toBeNull();
  expectTypeOf(create(defineJob({ kind: "a" })).result).toBeUnknown();
});
