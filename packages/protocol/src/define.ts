import { ProgressError } from "./error.js";
import type { Json } from "./json.js";
import { type DefinedStep, definedPlan, type PlanInput } from "./plan.js";
import type { AnyJob, JobTypes } from "./state.js";

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
  /** With the titles filled in. Empty for a job whose percent is reported as one number. */
  readonly plan: readonly DefinedStep<Job["step"]>[];
  /**
   * Checks the body of the app's route that creates such jobs. The route calls it; the client only takes its type.
   */
  readonly input?: Validator<InputOf<Job>> | undefined;
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
 * The types of the jobs that a definition describes.
 *
 * @example
 * ```ts
 * type VideoJob = JobOf<typeof videoJob>;
 * function show(watch: JobWatch<VideoJob>): void {}
 * ```
 */
export type JobOf<Definition extends { readonly types?: JobTypes | undefined }> = NonNullable<
  Definition["types"]
>;

/** The type of the body that creates a job: any object unless the definition gives one. */
export type InputOf<Job extends JobTypes> = Job extends {
  readonly input: infer Input extends object;
}
  ? Input
  : object;

/**
 * A type whose values arrive as they were written: `Value` itself, with a text in place of each type that JSON would
 * change or lose. No value of such a type fits the text, so that the compiler reports it.
 */
export type PlainJson<Value> = Value extends Json
  ? Value
  : Value extends
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
 * The metadata that a writer gives: what the definition has or, without one, any object of plain JSON. A key whose
 * value is `undefined` is left alone.
 *
 * @typeParam Given - The type of the value, by which a `Date` or a `Map` in it is found.
 * @typeParam Removed - `null` where that removes a key.
 */
export type MetadataInput<Job extends JobTypes, Given, Removed = never> = [
  keyof Job["metadata"],
] extends [never]
  ? Given & PlainJson<Given>
  : { readonly [Key in keyof Job["metadata"]]?: Job["metadata"][Key] | Removed | undefined };

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
 *     { id: "speech", title: "Speak" },
 *     { id: "render", title: "Draw the frames" },
 *   ],
 *   input: typed<{ topic: string; duration: number }>(),
 *   metadata: typed<{ topic: string }>(),
 *   result: typed<{ videoUrl: string }>(),
 * });
 * ```
 */
export function defineJob<
  const StepId extends string = string,
  Metadata extends object = AnyJob["metadata"],
  Result = AnyJob["result"],
  Input extends object = object,
>(definition: {
  readonly kind: string;
  readonly plan?: readonly PlanInput<StepId>[] | undefined;
  readonly input?: (Validator<Input> & Validator<PlainJson<Input>>) | undefined;
  readonly metadata?: (Validator<Metadata> & Validator<PlainJson<Metadata>>) | undefined;
  readonly result?: (Validator<Result> & Validator<PlainJson<Result>>) | undefined;
}): JobDefinition<{
  readonly step: StepId;
  readonly metadata: Metadata;
  readonly result: Result;
  readonly input: Input;
}> {
  if (typeof definition?.kind !== "string")
    throw wrongDefinition("a string kind", definition?.kind);
  const { plan = [], ...rest } = definition;
  if (!Array.isArray(plan)) throw wrongDefinition('a plan such as ["render"]', plan);
  return Object.freeze({ ...rest, plan: definedPlan(plan) }) as never;
}

function wrongDefinition(wanted: string, value: unknown): ProgressError {
  const message = `defineJob: the definition must have ${wanted}, but it is of the type ${typeof value}.`;
  return new ProgressError("invalid-option", { message });
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
