/** A job from a creation to its removal. */
export interface JobIncarnation {
  readonly jobId: string;
  /** That of the job's record, if the job exists. */
  readonly epoch: string;
}

/** The place of a job in the list of a subject. */
export interface Place {
  readonly subject: string;
  /** The score of its entry, a whole number: the higher, the newer. */
  readonly position: number;
}

/** A job with its places in lists. */
export interface PlacedJob extends JobIncarnation {
  readonly places: readonly Place[];
}

/** An entry of a list. The job may not exist. */
export interface ListEntry extends JobIncarnation {
  readonly position: number;
}

/** The member of a list's sorted set. */
export function entryText({ jobId, epoch }: JobIncarnation): string {
  return `${jobId}.${epoch}`;
}

/** The entries in a reply: members and scores by turns. */
export function entriesOf(membersAndScores: readonly string[]): readonly ListEntry[] {
  const entries: ListEntry[] = [];
  for (let at = 0; at < membersAndScores.length; at += 2) {
    const [jobId = "", epoch = ""] = (membersAndScores[at] ?? "").split(".");
    entries.push({ jobId, epoch, position: Number(membersAndScores[at + 1]) });
  }
  return entries;
}

/** Places as they are stored with the job: JSON, "" for none. */
export function placesText(places: readonly Place[]): string {
  if (places.length === 0) return "";
  return JSON.stringify(places.map(({ subject, position }) => [subject, position]));
}

/** The places in a {@link placesText}. */
export function placesOf(text: string): readonly Place[] {
  if (text === "") return [];
  const pairs: readonly (readonly [string, number])[] = JSON.parse(text);
  return pairs.map(([subject, position]) => ({ subject, position }));
}
