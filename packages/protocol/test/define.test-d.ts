import { expectTypeOf, test } from "vitest";
import { type AnyJob, defineJob, type JobDefinition, type JobTypes, typed } from "../src/index.js";

/** `JobDefinition` as the other package declares it: another interface of the same shape. */
interface ForeignDefinition<Job extends JobTypes> {
  readonly kind: string;
  readonly plan: JobDefinition<Job>["plan"];
  readonly metadata?: JobDefinition<Job>["metadata"];
  readonly result?: JobDefinition<Job>["result"];
  readonly types?: JobDefinition<Job>["types"];
}

interface VideoJob {
  readonly step: "speech" | "render";
  readonly metadata: { readonly topic: string };
  readonly result: { readonly videoUrl: string };
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
    metadata: typed<VideoJob["metadata"]>(),
    result: typed<VideoJob["result"]>(),
  });
  expectTypeOf(create(definition)).toEqualTypeOf<VideoJob>();
});
