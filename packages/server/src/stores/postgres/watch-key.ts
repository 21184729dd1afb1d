import { JOB_ID, SUBJECT } from "@emlinh/progress-protocol";
import type { WatchTarget } from "../../core/store.js";

/** A target of a watch as one text: the id of a job, or `@` and a subject. No id of a job has an `@`. */
export type WatchKey = string;

export function watchKey(target: WatchTarget): WatchKey {
  return "jobId" in target ? target.jobId : listKey(target.subject);
}

export function listKey(subject: string): WatchKey {
  return `@${subject}`;
}

/** Whether there can be a job with this id, or a job with this subject. */
export function isPossible(key: WatchKey): boolean {
  return key.startsWith("@") ? SUBJECT.test(key.slice(1)) : JOB_ID.test(key);
}
