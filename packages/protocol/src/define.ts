import type { AnyJob, JobTypes, PlanStep } from "./state.js";

/** The part of a [Standard Schema](https://standardschema.dev) validator that is used here: Zod, Valibot and ArkType all have it. */
export interface Validator<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validation<Output> | Promise<Validation<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** What a validator answers. */
export type Validation<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** One kind of job: what server, worker and page agree on. Made by {@link defineJob}. */
export interface JobDefinition<Job extends JobTypes = AnyJob> {
  readonly kind: string;
  /** Empty for a job whose percent is reported as one number. */
  readonly plan: readonly PlanStep<Job["step"]>[];
  /** Checks the metadata when a job is created. */
  readonly metadata?: Validator<Job["metadata"]> | undefined;
  /** Checks what the work returns. */
  readonly result?: Validator<Job["result"]> | undefined;
  /**
   * Never there: it only carries the types. Server and client each have their own copy of this interface, and TypeScript can't infer the types of the
   * one's definition from the parts of the other's.
   */
  readonly types?: Job | undefined;
}

/**
 * Fixes a kind of job once for server, worker and page, so that step ids, metadata and the result have their types everywhere.
 *
 * @example
 * ```ts
 * export const videoJob = defineJob({
 *   kind: "video",
 *   plan: [
 *     { id: "speech", title: "Speech", weight: 1 },
 *     { id: "render", title: "Render", weight: 6 },
 *   ],
 *   metadata: typed<{ topic: string }>(),
 *   result: typed<{ videoUrl: string }>(),
 * });
 * ```
 */
export function defineJob<
  const StepId extends string = string,
  Metadata extends object = AnyJob["metadata"],
  Result = AnyJob["result"],
>(definition: {
  readonly kind: string;
  readonly plan?: readonly PlanStep<StepId>[] | undefined;
  readonly metadata?: Validator<Metadata> | undefined;
  readonly result?: Validator<Result> | undefined;
}): JobDefinition<{
  readonly step: StepId;
  readonly metadata: Metadata;
  readonly result: Result;
}> {
  return Object.freeze({ ...definition, plan: definition.plan ?? [] });
}

/** A validator that checks nothing and only carries a type. */
export function typed<Output>(): Validator<Output> {
  return {
    "~standard": {
      version: 1,
      vendor: "@emlinh/progress",
      validate: (value) => ({ value: value as Output }),
    },
  };
}
