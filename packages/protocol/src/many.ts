import { type Cursor, parseCursor } from "./cursor.js";
import { decodeDelta } from "./decode-delta.js";
import type { Delta } from "./delta.js";
import { isRefusalCode, type RefusalCode } from "./error.js";
import { toWire, type WireDelta } from "./wire.js";

/** Whose a job is, or which batch it belongs to (P62). */
export const SUBJECT: RegExp = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/;

/** The most subjects that a job may have (P62). */
export const MAX_SUBJECTS = 8;

/** The most jobs of a list that are sent at a time (P63). */
export const MAX_LISTED_JOBS = 100;

/** The jobs of a list that are sent unless the reader asks for another number (P63). */
export const DEFAULT_LISTED_JOBS = 50;

/** The list of a subject, as far as it was asked for: one value that is replaced whole (P64). */
export interface Listed {
  readonly subject: string;
  /** Ids, the newest job first. */
  readonly jobs: readonly string[];
  /** The `before` of the request for the jobs that follow; `null` if there are none. Opaque. */
  readonly next: string | null;
  /** Differs for different lists. */
  readonly tag: string;
}

/** A job or a subject that a reader asked for and does not get (P66). */
export interface Refused {
  readonly job?: string;
  readonly subject?: string;
  readonly status: number;
  readonly code: RefusalCode;
}

/** The delta of one of many jobs, as JSON. */
export type WireJobDelta = WireDelta & { readonly job: string };

/** The answer to a request for many jobs as JSON (P67). */
export interface ManyReply {
  readonly listed: readonly Listed[];
  readonly jobs: readonly WireJobDelta[];
  readonly refused: readonly Refused[];
  /** The store's time, in milliseconds since the epoch. */
  readonly now: number;
}

/** The delta of one of many jobs. */
export interface JobDelta {
  readonly job: string;
  readonly delta: Delta;
}

/** The shortest form of a job's delta on the wire (P65). */
export function toJobWire(job: string, delta: Delta): WireJobDelta {
  return { job, ...toWire(delta) };
}

/** A list with its tag. Equal lists have equal tags. */
export function listedOf(list: Omit<Listed, "tag">): Listed {
  const { subject, jobs, next } = list;
  return { subject, jobs, next, tag: tagOf(`${subject} ${jobs.join(" ")} ${next}`) };
}

/** A hash of 64 bits in 14 characters or less: two that FNV-1a makes from different starts. */
function tagOf(text: string): string {
  let first = 0x811c9dc5;
  let second = 0x9747b28c;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    first = Math.imul(first ^ code, 0x01000193);
    second = Math.imul(second ^ code, 0x5bd1e995) ^ (second >>> 15);
  }
  return (first >>> 0).toString(36) + (second >>> 0).toString(36);
}

/** One of many jobs in a query: `ID` or `ID@CURSOR` (P63). Ids have no `@`. */
export function printTarget(jobId: string, cursor?: Cursor): string {
  return cursor === undefined ? jobId : `${jobId}@${cursor}`;
}

/** Parses one of many jobs in a query. A malformed cursor counts as none; the id is not checked. */
export function parseTarget(text: string): { readonly jobId: string; readonly cursor?: Cursor } {
  const at = text.indexOf("@");
  if (at < 0) return { jobId: text };
  const jobId = text.slice(0, at);
  const cursor = text.slice(at + 1);
  return parseCursor(cursor) ? { jobId, cursor } : { jobId };
}

/** Reads a list from parsed JSON. @returns `undefined` if the value is not a list. */
export function decodeListed(data: unknown): Listed | undefined {
  if (!isObject(data)) return undefined;
  const { subject, jobs, next = null, tag } = data;
  if (!isString(subject) || !isString(tag) || !(next === null || isString(next))) return undefined;
  if (!Array.isArray(jobs) || !jobs.every(isString)) return undefined;
  return { subject, jobs, next, tag };
}

/** Reads a job's delta from parsed JSON. @returns `undefined` if the value is not one. */
export function decodeJobDelta(data: unknown): JobDelta | undefined {
  const delta = decodeDelta(data);
  if (delta === undefined || !isObject(data) || !isString(data.job)) return undefined;
  return { job: data.job, delta };
}

/** Reads a refusal from parsed JSON. @returns `undefined` if the value is not one, or its code is unknown. */
export function decodeRefused(data: unknown): Refused | undefined {
  if (!isObject(data)) return undefined;
  const { job, subject, status, code } = data;
  if (typeof status !== "number" || !isRefusalCode(code)) return undefined;
  if (isString(job)) return { job, status, code };
  return isString(subject) ? { subject, status, code } : undefined;
}

function isString(value: unknown): value is string {
  return typeof value === "string";
}

function isObject(value: unknown): value is { readonly [name: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
