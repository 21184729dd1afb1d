import type { Prepare, Tables } from "./prepare.js";

/** A job of a list. */
interface ListedJob {
  readonly place: number;
  readonly id: string;
}

/** The lists of subjects. */
export interface ListStatements {
  /** Puts a job into a list. A trigger takes it out at its removal. */
  list(subject: string, job: number): void;
  subjectsOf(job: number): readonly string[];
  /** The jobs of a subject whose places are below one, the highest first. */
  listedBelow(subject: string, place: number, limit: number): readonly ListedJob[];
  addListChange(transaction: number, subject: string): void;
  /** Forgets the changes of lists up to a transaction. */
  forgetListChanges(transaction: number): void;
  /** The subjects whose lists transactions after this one changed. One may be there more than once. */
  listsChangedSince(transaction: number): readonly string[];
}

/** The durations that completed jobs have taught. Kinds and steps are JSON. */
export interface ExpectationStatements {
  stepsLearned(kind: string): string | undefined;
  setStepsLearned(kind: string, steps: string): void;
  /** Keeps so many kinds: those that were learned last. */
  forgetKinds(max: number): void;
}

/** Prepares the statements for lists. */
export function listStatements(
  { many, run }: Prepare,
  { jobs, listed, listChanges }: Tables,
): ListStatements {
  return {
    list: run(`INSERT OR IGNORE INTO ${listed} (subject, job) VALUES (?, ?)`),
    subjectsOf: many(`SELECT subject FROM ${listed} WHERE job = ?`, subjectIn),
    listedBelow: many(
      `SELECT l.place, j.id FROM ${listed} AS l CROSS JOIN ${jobs} AS j ON j.job = l.job
        WHERE l.subject = ? AND l.place < ? ORDER BY l.place DESC LIMIT ?`,
      ({ place, id }): ListedJob => ({ place: Number(place), id: String(id) }),
    ),
    addListChange: run(`INSERT INTO ${listChanges} (changed_in, subject) VALUES (?, ?)`),
    forgetListChanges: run(`DELETE FROM ${listChanges} WHERE changed_in <= ?`),
    listsChangedSince: many(`SELECT subject FROM ${listChanges} WHERE changed_in > ?`, subjectIn),
  };
}

function subjectIn({ subject }: { readonly subject?: unknown }): string {
  return String(subject);
}

/** Prepares the statements for expectations. */
export function expectationStatements(
  { one, run }: Prepare,
  { expectations }: Tables,
): ExpectationStatements {
  return {
    stepsLearned: one(`SELECT steps FROM ${expectations} WHERE kind = ?`, ({ steps }) =>
      String(steps),
    ),
    setStepsLearned: run(
      `INSERT OR REPLACE INTO ${expectations} (kind, steps, call)
        VALUES (?, ?, (SELECT ifnull(max(call), 0) + 1 FROM ${expectations}))`,
    ),
    forgetKinds: run(
      `DELETE FROM ${expectations} WHERE kind IN
        (SELECT kind FROM ${expectations} ORDER BY call DESC LIMIT -1 OFFSET ?)`,
    ),
  };
}
