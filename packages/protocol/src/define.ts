import type { AnyJob, JobTypes, PlanStep } from "./state.js";

/**
 * The part of a [Standard Schema](https://standardschema.dev) validator that is used here. Zod, Valibot and ArkType
 * implement it.
 */
export interface Validator<Output = unknown> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => Validation<Output> | Promise<Validation<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** The result of a validator. */
export type Validation<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string }[] };

/** One kind of job, shared by server, worker and page. Created by {@link defineJob}. */
export interface JobDefinition<Job extends JobTypes = AnyJob> {
  readonly kind: string;
  /** Empty for a job whose percent is reported as one number. */
  readonly plan: readonly PlanStep<Job["step"]>[];
  /** Checks the metadata when a job is created. */
  readonly metadata?: Validator<Job["metadata"]> | undefined;
  /** Checks the value that the work returns. */
  readonly result?: Validator<Job["result"]> | undefined;
  /**
   * Never present: it only carries the types. Server and client each have a copy of this interface, and TypeScript
   * can't infer the types of one package's definition from the parts of the other's.
   */
  readonly types?: Job | undefined;
}

/**
 * A type whose values arrive as they were written: `Value` itself, with a text in place of each type that JSON would
 * change or lose. No value of such a type fits the text, so that the compiler reports it.
 */
export type PlainJson<Value> = Value extends
  | Date
  | bigint
  | symbol
  | ReadonlyMap<unknown, unknown>
  | ReadonlySet<unknown>
  | ((...args: never) => unknown)
  ? "not plain JSON"
  : Value extends object
    ? { [Key in keyof Value]: PlainJson<Value[Key]> }
    : Value;

/**
 * Defines a kind of job once for server, worker and page, so that step ids, metadata and the result are typed
 * everywhere. Metadata and result must be plain JSON, because readers get them as JSON: a `Date` or a `Map` in their
 * types does not compile.
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
  readonly metadata?: (Validator<Metadata> & Validator<PlainJson<Metadata>>) | undefined;
  readonly result?: (Validator<Result> & Validator<PlainJson<Result>>) | undefined;
}): JobDefinition<{
  readonly step: StepId;
  readonly metadata: Metadata;
  readonly result: Result;
}> {
  return Object.freeze({ ...definition, plan: definition.plan ?? [] });
}

/** A validator that accepts every value and only carries a type. */
export function typed<Output>(): Validator<Output> {
  return {
    "~standard": {
      version: 1,
      vendor: "@emlinh/progress",
      validate: (value) => ({ value: value as Output }),
    },
  };
}
