import {
  type AnyJob,
  type Cursor,
  checkedChange,
  checkedField,
  JOB_ID,
  type JobDefinition,
  type JobTypes,
  type Json,
  MAX_SUBJECTS,
  type MetadataInput,
  NAME,
  type PlanInput,
  type PlanStep,
  ProgressError,
  planOf,
  SUBJECT,
  type Validator,
} from "@emlinh/progress-protocol";
import { isOurs } from "../shared/errors.js";
import { newJobId, SUBJECT_RULE } from "../shared/ids.js";
import { cutText } from "../shared/limits.js";
import { checksFor, type OptionChecks } from "../shared/option-checks.js";
import { isRecord, shown } from "../shared/untyped.js";
import { jobSize } from "./job-size.js";
import { metadataFields, refuseByThrowing } from "./job-update.js";
import type { JobDraft } from "./store.js";

/** A job to create: from a definition, or from a kind and a plan. */
export type CreateJob<Job extends JobTypes = AnyJob, Metadata = object> = CreateOptions<
  Job,
  Metadata
> &
  (
    | {
        readonly definition: JobDefinition<Job>;
        readonly kind?: undefined;
        readonly plan?: undefined;
      }
    | {
        /** The kind of job. */
        readonly kind: string;
        /** The steps, in order: their ids, or objects. A job without any reports its percent as one number. */
        readonly plan?: readonly PlanInput[] | undefined;
        readonly definition?: undefined;
      }
  );

/** Options of `create`. */
export interface CreateOptions<Job extends JobTypes = AnyJob, Metadata = object> {
  /** Data about the job, by key: plain JSON. Everybody who may watch the job sees it. */
  readonly metadata?: MetadataInput<Job, Metadata> | undefined;
  /** The first message, for people. */
  readonly message?: string | undefined;
  /**
   * Makes the creation idempotent: a second one with the same key returns the job of the first. Anyone who knows a key
   * learns the id of its job, so include in it what distinguishes your users. At most 256 characters.
   */
  readonly key?: string | undefined;
  /** `[A-Za-z0-9_-]{1,128}`. @defaultValue 128 random bits */
  readonly id?: string | undefined;
  /**
   * How much work the job is: a number above 0, in any unit that all jobs of its kind have, such as seconds of video,
   * bytes or pages. The times of steps that take longer in larger jobs are then learned per unit, so that the ETA is
   * right for jobs of any size. It need not be exact.
   *
   * @defaultValue none: jobs of a kind are taken for about equal
   * @see docs/eta.md
   */
  readonly size?: number | undefined;
  /** Milliseconds from now until the job ends as `timed-out`. @defaultValue no deadline */
  readonly deadlineMs?: number | undefined;
  /**
   * Whose job it is, or which batch it belongs to, such as `["user:42"]`: at most 8 strings of
   * `[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}`. The job is in the list of each of them until it is removed. They can't be
   * changed, and readers don't get them. A creation with a known `key` adds none.
   *
   * @defaultValue none
   */
  readonly subjects?: readonly string[] | undefined;
}

/** A created job, to be passed to `open` or `run`. */
export interface CreatedJob<Job extends JobTypes = AnyJob> {
  readonly id: string;
  /** `false` if the key was known: then this is the job that was created with it, and nothing was stored. */
  readonly created: boolean;
  readonly cursor: Cursor;
  readonly definition?: JobDefinition<Job> | undefined;
}

/**
 * Makes the draft that a store keeps.
 *
 * @throws ProgressError `invalid-option` for a wrong id, key, kind, plan or deadline; `invalid-change` or `too-large`
 * for the metadata.
 */
export async function draftOf<Job extends JobTypes>(
  input: CreateJob<Job, unknown>,
): Promise<Draft<Job>> {
  try {
    return await checkedDraft(input);
  } catch (cause) {
    if (isOurs(cause)) throw cause;
    // A getter or a proxy of the caller threw.
    const message = "create: a value of the job could not be read. Use plain values.";
    throw new ProgressError("invalid-option", { message, cause });
  }
}

interface Draft<Job extends JobTypes> {
  readonly draft: JobDraft;
  readonly definition: JobDefinition<Job> | undefined;
}

async function checkedDraft<Job extends JobTypes>(
  input: CreateJob<Job, unknown>,
): Promise<Draft<Job>> {
  names(input, NAMES);
  const { definition, key, size, deadlineMs, message = null, id = newJobId() } = input;
  checkDefinition(checks, definition);
  const kind = definition?.kind ?? input.kind;
  // An import that does not exist.
  if (kind === undefined && "definition" in input) throw invalid("definition", kind, DEFINITION);
  checkOptions({ id, kind, key, size, deadlineMs, message });
  const { subjects: givenSubjects = [] } = input;
  const subjects = checkSubjects(givenSubjects);
  // null is no plan: only what is left out has a default.
  const { plan: steps = [], metadata: given = {} } = input;
  const plan = checkPlan(definition?.plan ?? steps);
  const metadata = await validated("metadata", definition?.metadata, given);
  const { set } = checkedChange({
    set: {
      kind: String(kind),
      ...(size !== undefined && { size }),
      status: "queued",
      attempt: 1,
      message: message === null ? null : cutText(message),
      plan: plan as unknown as Json,
      ...metadataFields(metadata, refuseByThrowing),
    },
    log: [],
  });
  const bytes = jobSize({});
  for (const [field, value] of Object.entries(set))
    bytes.set(field, checkedField(field, value).bytes);
  const hasDeadline = deadlineMs !== undefined && deadlineMs !== Number.POSITIVE_INFINITY;
  const draft = { id, key, set, ...(hasDeadline && { deadlineMs }) };
  return { draft: subjects.length > 0 ? { ...draft, subjects } : draft, definition };
}

/**
 * Returns a value as its validator returns it, or as it is without one.
 *
 * @throws ProgressError `invalid-change`, with the messages of the validator.
 */
export async function validated<Value>(
  name: string,
  validator: Validator<Value> | undefined,
  value: unknown,
): Promise<Value> {
  if (validator === undefined) return value as Value;
  let validation: Awaited<ReturnType<Validator<Value>["~standard"]["validate"]>>;
  try {
    validation = await validator["~standard"].validate(value);
    if (validation.issues === undefined) return validation.value;
  } catch (cause) {
    throw new ProgressError("invalid-change", {
      message: `The validator of the ${name} in the job's definition threw an error.`,
      cause,
    });
  }
  const issues = validation.issues.map((issue) => issue.message).join("; ");
  throw new ProgressError("invalid-change", {
    message: `The ${name} does not match the job's definition: ${issues}`,
  });
}

/**
 * Checks the id that a method was given.
 *
 * @throws ProgressError `invalid-option`
 */
export function checkedJobId(method: string, jobId: unknown): string {
  if (typeof jobId === "string" && JOB_ID.test(jobId)) return jobId;
  throw invalidId(method, jobId, "the id of a job");
}

/**
 * The id of the job that a method was given.
 *
 * @param job - A created job, or its id.
 * @throws ProgressError `invalid-option`
 */
export function checkedJob(method: string, job: unknown): string {
  const jobId = isRecord(job) && "id" in job ? job.id : job;
  if (typeof jobId === "string" && JOB_ID.test(jobId)) return jobId;
  throw invalidId(method, jobId, "a job that create() resolved with, or its id");
}

function invalidId(method: string, jobId: unknown, wanted: string): ProgressError {
  const rule = '1 to 128 letters, digits, "_" and "-"';
  return new ProgressError("invalid-option", {
    message: `${method}: the job id is ${shown(jobId)}; it must be ${wanted}: ${rule}.`,
    details: { name: "jobId" },
  });
}

const NAMES = [
  "definition",
  "kind",
  "plan",
  "metadata",
  "message",
  "key",
  "id",
  "size",
  "deadlineMs",
  "subjects",
];

const checks = checksFor("create", "create({ kind, plan })");
const { names, invalid, fault, list } = checks;

/** @throws ProgressError `invalid-option` for a value that is no definition, such as that of a missing import. */
export function checkDefinition({ invalid }: OptionChecks, definition: unknown): void {
  if (definition === undefined) return;
  if (!isRecord(definition) || typeof definition.kind !== "string")
    throw invalid("definition", definition, DEFINITION);
  for (const name of ["metadata", "result"]) {
    const validator = definition[name] as Partial<Validator> | null | undefined;
    if (validator !== undefined && typeof validator?.["~standard"]?.validate !== "function")
      throw invalid(
        `the ${name} of the definition`,
        validator,
        "a validator, such as typed<Type>()",
      );
  }
}

const DEFINITION = "the value that defineJob() returns";

type CheckedOptions = {
  readonly [Name in "id" | "kind" | "key" | "size" | "deadlineMs" | "message"]: unknown;
};

function checkOptions({ id, kind, key, size, deadlineMs, message }: CheckedOptions): void {
  if (typeof id !== "string" || !JOB_ID.test(id))
    throw invalid("id", id, '1 to 128 letters, digits, "_" and "-"');
  if (typeof kind !== "string" || kind === "" || kind.length > 256)
    throw invalid("kind", kind, 'a string of 1 to 256 characters, such as "video"');
  if (key !== undefined && (typeof key !== "string" || key === "" || key.length > 256))
    throw invalid("key", key, "a string of 1 to 256 characters");
  if (
    size !== undefined &&
    !(typeof size === "number" && size > 0 && size < Number.POSITIVE_INFINITY)
  )
    throw invalid("size", size, "a number above 0, such as the seconds of a video");
  if (deadlineMs !== undefined && !(typeof deadlineMs === "number" && deadlineMs > 0))
    throw invalid("deadlineMs", deadlineMs, "a number of milliseconds above 0");
  if (message !== null && typeof message !== "string")
    throw invalid("message", message, "a string");
}

const SUBJECTS = `an array of at most ${MAX_SUBJECTS} strings, such as ["user:42"]`;

/** A copy, in which each subject is once. */
function checkSubjects(input: unknown): readonly string[] {
  const subjects = new Set<string>();
  for (const subject of list("subjects", input, SUBJECTS)) {
    if (typeof subject !== "string" || !SUBJECT.test(subject))
      throw invalid("a subject", subject, SUBJECT_RULE);
    if (subjects.has(subject)) throw invalid("a subject", subject, "unique in subjects");
    subjects.add(subject);
  }
  if (subjects.size > MAX_SUBJECTS)
    throw fault(`subjects has ${subjects.size} members; it must have at most ${MAX_SUBJECTS}.`);
  return [...subjects];
}

/** Fills in a plan, and refuses one from which no percent could be derived. */
function checkPlan(input: unknown): readonly PlanStep[] {
  if (!Array.isArray(input))
    throw invalid("plan", input, 'an array of ids or { id, title, weight }, such as ["render"]');
  const plan = planOf(input as readonly PlanInput[]);
  const ids = new Set<unknown>();
  for (const step of plan as readonly (Partial<PlanStep> | null)[]) {
    if (!isRecord(step))
      throw invalid("a step of the plan", step, "its id, or an object { id, title, weight }");
    const { id, title, weight } = step;
    if (typeof id !== "string" || !NAME.test(id))
      throw invalid("the id of a plan step", id, '1 to 64 letters, digits, "_" and "-"');
    if (ids.has(id)) throw invalid("the id of a plan step", id, "unique in the plan");
    if (typeof title !== "string")
      throw invalid(`the title of the plan step "${id}"`, title, "a string");
    if (!(typeof weight === "number" && weight > 0 && weight < Number.POSITIVE_INFINITY))
      throw invalid(`the weight of the plan step "${id}"`, weight, "a positive number");
    ids.add(id);
  }
  return plan;
}
