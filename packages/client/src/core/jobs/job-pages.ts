import {
  decodeJobDelta,
  decodeListed,
  decodeRefused,
  type JobDelta,
  type Listed,
} from "@emlinh/progress-protocol";
import { unexpected } from "../../transports/failure.js";
import { call } from "../call.js";
import type { ResolvedWatchOptions } from "../options.js";
import { refusalError } from "../refusal-error.js";

/** One page of a list. */
export interface JobPage {
  readonly listed: Listed;
  readonly deltas: readonly JobDelta[];
}

/**
 * Requests the jobs of a subject that follow a position (P63).
 *
 * @throws {@link ProgressError} with the code of the server's refusal, or the last failure.
 */
export async function fetchPage(
  options: ResolvedWatchOptions,
  { subject, limit, before }: Record<"subject" | "before", string> & { readonly limit: number },
): Promise<JobPage> {
  const names = `subject=${encodeURIComponent(subject)}&before=${encodeURIComponent(before)}`;
  const url = `${options.baseUrl}?${names}&limit=${limit}`;
  const reply = await call(options, { url, method: "GET" });
  const { listed, jobs, refused } = (reply ?? {}) as Readonly<Record<string, unknown>>;
  const refusal = decodeRefused(firstOf(refused));
  if (refusal) throw refusalError(refusal, false);
  const page = decodeListed(firstOf(listed));
  if (!page || !Array.isArray(jobs))
    throw unexpected("a page of a list", JSON.stringify(reply), { ...options, url }).error;
  return { listed: page, deltas: jobs.flatMap((job) => decodeJobDelta(job) ?? []) };
}

function firstOf(values: unknown): unknown {
  return Array.isArray(values) ? values[0] : undefined;
}
