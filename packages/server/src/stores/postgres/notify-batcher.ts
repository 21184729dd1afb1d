import { type Cursor, parseCursor } from "@emlinh/progress-protocol";

/** A job that was written to. Without a cursor it was created or removed: then versions that a reader has tell nothing. */
export interface PostgresHint {
  readonly jobId: string;
  readonly cursor?: Cursor | undefined;
}

/** Tells other processes which jobs were written to. */
export interface HintSender {
  /** One hint of a job stands for those that wait with it. */
  add(hint: PostgresHint): void;
  /** Resolves when what was added is sent; what is added from now on goes out at once. */
  close(): Promise<void>;
}

/**
 * Milliseconds between two statements. PostgreSQL lets one transaction at a time send notifications, in all of its databases: so a process waits ten times
 * as long as its last statement took, and all of them together leave that lock alone the more, the more they wait for it.
 */
const MIN_GAP_MS = 5;
const MAX_GAP_MS = 50;
const GAP_FACTOR = 10;

/** PostgreSQL takes payloads of less than 8000 bytes. */
const MAX_PAYLOAD_LENGTH = 7_900;

/** Begins the payloads of one sender. */
export function newSender(): string {
  return crypto.randomUUID().slice(0, 8);
}

/**
 * Sends hints in batches: the first at once, and those that come while it is under way, or 5 to 50 ms after it, together.
 *
 * @param send - Sends payloads. May reject: hints are lost then, and whoever watches finds the change by looking.
 */
export function hintSender(
  sender: string,
  send: (payloads: readonly string[]) => Promise<unknown>,
): HintSender {
  let pending = new Map<string, PostgresHint>();
  let sending: Promise<void> | undefined;
  let endGap = (): void => {};
  let closing = false;

  async function sendAll(): Promise<void> {
    while (pending.size > 0) {
      const hints = [...pending.values()];
      pending = new Map();
      const begun = performance.now();
      await send(payloadsOf(sender, hints)).catch(() => {});
      const gapMs = GAP_FACTOR * (performance.now() - begun);
      if (!closing) await gap(Math.min(MAX_GAP_MS, Math.max(MIN_GAP_MS, gapMs)));
    }
    sending = undefined;
  }

  function gap(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endGap = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    add(hint) {
      const { jobId } = hint;
      const earlier = pending.get(jobId);
      pending.set(jobId, earlier === undefined ? hint : joined(earlier, hint));
      sending ??= sendAll();
    },
    async close() {
      closing = true;
      endGap();
      await sending;
    },
  };
}

/** What stands for two hints of one job. The answers of writes that were under way at once may come in any order. */
function joined(one: PostgresHint, other: PostgresHint): PostgresHint {
  const [a, b] = [parseCursor(one.cursor), parseCursor(other.cursor)];
  // What begins a new series of versions must be told as such, also when the next write follows at once.
  if (a === undefined || b === undefined || a.epoch !== b.epoch) return { jobId: one.jobId };
  return a.version > b.version ? one : other;
}

/** Payloads that hold the hints: the sender, then one hint a line. */
export function payloadsOf(sender: string, hints: readonly PostgresHint[]): readonly string[] {
  const payloads: string[] = [];
  let payload = sender;
  for (const { jobId, cursor } of hints) {
    const line = cursor === undefined ? `\n${jobId}` : `\n${jobId} ${cursor}`;
    if (payload.length + line.length > MAX_PAYLOAD_LENGTH) {
      payloads.push(payload);
      payload = sender;
    }
    payload += line;
  }
  return [...payloads, payload];
}

/** The hints of a payload, but for those that this process has sent itself. */
export function hintsOf(sender: string, payload: string): readonly PostgresHint[] {
  const [from, ...lines] = payload.split("\n");
  if (from === sender) return [];
  return lines.map((line) => {
    const [jobId = "", cursor] = line.split(" ");
    return { jobId, cursor };
  });
}
