import {
  type AnyJob,
  type Cursor,
  checkChange,
  type Fields,
  JOB_ID,
  type JobDefinition,
  type JobTypes,
  type Json,
  NAME,
  type PlanStep,
  ProgressError,
  type Validator,
} from "@emlinh/progress-protocol";
import type { JobDraft } from "./store.js";

/** A job to be made: of a definition, or of a kind and a plan of its own. */
export type CreateJob<Job extends JobTypes = AnyJob> = CreateOptions<Job> &
  (
    | {
        readonly definition: JobDefinition<Job>;
        readonly kind?: undefined;
        readonly plan?: undefined;
      }
    | {
        /** What sort of job this is. */
        readonly kind: string;
        /** The steps, in order; without any the job's percent is reported as one number. */
        readonly plan?: readonly PlanStep[] | undefined;
        readonly definition?: undefined;
      }
  );

export interface CreateOptions<Job extends JobTypes> {
  /** What readers are told of the job, by key. Everybody who may watch it sees it. */
  readonly metadata?: Partial<Job["metadata"]> | undefined;
  /** The first message, for people. */
  readonly message?: string | undefined;
  /**
   * Makes the creation idempotent: a second one with the same key gives the first one's job. Whoever knows a key learns the id of its job, so
   * put what tells your users apart into it. At most 256 characters.
   */
  readonly key?: string | undefined;
  /** `[A-Za-z0-9_-]{1,128}`. @defaultValue 128 random bits */
  readonly id?: string | undefined;
  /** Milliseconds from now until the job is ended as `timed-out`. @defaultValue no deadline */
  readonly deadlineMs?: number | undefined;
}

/** A job that was made, to be handed to `open` or `run`. */
export interface CreatedJob<Job extends JobTypes = AnyJob> {
  readonly id: string;
  /** `false` if the key was known: then this is the job that was made with it, and nothing was stored. */
  readonly created: boolean;
  readonly cursor: Cursor;
  readonly definition?: JobDefinition<Job> | undefined;
}

/**
 * The draft that a store keeps.
 *
 * @throws ProgressError `invalid-option` for a wrong id, key, kind, plan or deadline; `invalid-change` or `too-large` for the metadata.
 */
export async function draftOf<Job extends JobTypes>(
  input: CreateJob<Job>,
): Promise<{ readonly draft: JobDraft; readonly definition: JobDefinition<Job> | undefined }> {
  const { definition, key, deadlineMs, message = null } = input;
  const kind = definition?.kind ?? input.kind;
  const plan = checkPlan(definition?.plan ?? input.plan ?? []);
  const id = input.id ?? randomId();
  if (!JOB_ID.test(id)) throw invalid("id", id, '1 to 128 letters, digits, "_" and "-"');
  if (typeof kind !== "string" || kind === "") throw invalid("kind", kind, "a text");
  if (key !== undefined && (typeof key !== "string" || key === "" || key.length > 256))
    throw invalid("key", key, "a text of at most 256 characters");
  if (deadlineMs !== undefined && !(deadlineMs > 0))
    throw invalid("deadlineMs", deadlineMs, "a number of milliseconds above 0");
  const metadata = await validated("metadata", definition?.metadata, input.metadata ?? {});
  const set: Fields = {
    kind,
    status: "queued",
    attempt: 1,
    message,
    plan: plan as unknown as Json,
    ...metadataFields(metadata),
  };
  checkChange({ set, log: [] });
  const lasting = deadlineMs === undefined || deadlineMs === Number.POSITIVE_INFINITY;
  return { draft: { id, key, set, ...(!lasting && { deadlineMs }) }, definition };
}

/** The fields of some metadata. What is `undefined` is left alone; `null` takes a key away. */
export function metadataFields(metadata: object): Fields {
  const fields: Record<string, Json> = {};
  for (const [key, value] of Object.entries(metadata)) {
    if (value !== undefined) fields[`metadata.${key}`] = value as Json;
  }
  return fields;
}

/**
 * A value as its validator gives it back; itself without one.
 *
 * @throws ProgressError `invalid-change`, with what the validator says.
 */
export async function validated<Value>(
  what: string,
  validator: Validator<Value> | undefined,
  value: unknown,
): Promise<Value> {
  if (validator === undefined) return value as Value;
  const validation = await validator["~standard"].validate(value);
  if (validation.issues === undefined) return validation.value;
  const issues = validation.issues.map((issue) => issue.message).join("; ");
  throw new ProgressError("invalid-change", {
    message: `The ${what} is not what the job's definition asks for: ${issues}`,
  });
}

/** Refuses a plan of which no percent could be derived. */
function checkPlan(plan: readonly PlanStep[]): readonly PlanStep[] {
  if (!Array.isArray(plan)) throw invalid("plan", plan, "a list of { id, title, weight }");
  const ids = new Set<string>();
  for (const { id, title, weight } of plan as readonly PlanStep[]) {
    if (typeof id !== "string" || !NAME.test(id))
      throw invalid("plan", id, 'made of ids of letters, digits, "_" and "-"');
    if (ids.has(id)) throw invalid("plan", id, "made of ids that differ");
    if (typeof title !== "string") throw invalid("plan", id, "made of steps with a title");
    if (!(weight > 0 && weight < Number.POSITIVE_INFINITY))
      throw invalid("plan", weight, `made of positive weights; that of "${id}" is none`);
    ids.add(id);
  }
  return plan.map(({ id, title, weight }) => ({ id, title, weight }));
}

function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function invalid(name: string, value: unknown, wanted: string): ProgressError {
  return new ProgressError("invalid-option", {
    message: `create: ${name} is ${JSON.stringify(value)}; it must be ${wanted}.`,
    details: { name },
  });
}
