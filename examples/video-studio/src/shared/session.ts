/** The answer of `GET /api/session`. */
export interface SessionReply {
  /** Names this browser in subjects. It gives no rights: those come with the cookie. */
  readonly id: string;
}

/** The subject of all videos of a session. */
export function sessionSubject(session: string): string {
  return `session:${session}`;
}

/** The name of a batch. It contains the session, so that no other session can add videos to it. */
export function batchOf(session: string, id: string): string {
  return `${session}.${id}`;
}

/** The subject of the videos of a batch. @param batch - The return value of {@link batchOf}. */
export function batchSubject(batch: string): string {
  return `batch:${batch}`;
}

/** Whether a subject lists videos of a session and of no other one. */
export function isSubjectOf(session: string, subject: string): boolean {
  return (
    subject === sessionSubject(session) || subject.startsWith(batchSubject(batchOf(session, "")))
  );
}

/** The id of a batch within its session. The page chooses it. */
export const BATCH_ID: RegExp = /^[A-Za-z0-9_-]{1,64}$/;

/** The most videos that the page requests together. */
export const MAX_BATCH = 10;
