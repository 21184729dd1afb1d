import { ProgressError } from "@emlinh/progress-protocol";
import type { Settings } from "../options.js";

/** Bounds the streams and held polls that are open at once: in this process, per job, connection and principal. */
export interface StreamLimiter {
  /**
   * Takes a slot for one stream.
   *
   * @returns a function that gives the slot back. Call it once.
   * @throws ProgressError `too-many-streams`
   */
  take(stream: SlotOwner): () => void;
  /** Slots that are taken. */
  count(): number;
  /** Resolves once no slot is taken. */
  whenNone(): Promise<void>;
}

/** A stream, by the members that slots are counted for. */
interface SlotOwner {
  /** `undefined` for a stream of many jobs. */
  readonly jobId?: string | undefined;
  /** The connection that carries it, compared by identity; `undefined` if it is not known. */
  readonly connection?: object | undefined;
  /** Who reads, each once. */
  readonly principals?: readonly string[] | undefined;
}

/** The bounds of a {@link StreamLimiter}. */
type Limits = Pick<
  Settings,
  "maxStreams" | "maxStreamsPerJob" | "maxStreamsPerConnection" | "maxStreamsPerPrincipal"
>;

/** Starts with all slots free. */
export function streamLimiter({
  maxStreams,
  maxStreamsPerJob,
  maxStreamsPerConnection,
  maxStreamsPerPrincipal,
}: Limits): StreamLimiter {
  const byJob = new Map<string, number>();
  const byPrincipal = new Map<string, number>();
  const byConnection = new WeakMap<object, number>();
  let taken = 0;
  let waiting: (() => void)[] = [];

  function giveBack({ jobId, connection, principals = [] }: SlotOwner): void {
    taken -= 1;
    decrement(byJob, jobId);
    for (const principal of principals) decrement(byPrincipal, principal);
    if (connection !== undefined)
      byConnection.set(connection, (byConnection.get(connection) ?? 1) - 1);
    if (taken > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  return {
    take({ jobId, connection, principals = [] }) {
      const ofJob = countOf(byJob, jobId);
      const ofConnection = connection === undefined ? 0 : (byConnection.get(connection) ?? 0);
      if (taken >= maxStreams) throw tooManyStreams("in this process", maxStreams);
      if (ofJob >= maxStreamsPerJob)
        throw tooManyStreams(`of the job "${jobId}"`, maxStreamsPerJob);
      if (ofConnection >= maxStreamsPerConnection)
        throw tooManyStreams("of one connection", maxStreamsPerConnection);
      if (principals.some((one) => countOf(byPrincipal, one) >= maxStreamsPerPrincipal))
        throw tooManyStreams("of one principal", maxStreamsPerPrincipal);
      taken += 1;
      if (jobId !== undefined) byJob.set(jobId, ofJob + 1);
      if (connection !== undefined) byConnection.set(connection, ofConnection + 1);
      for (const one of principals) byPrincipal.set(one, countOf(byPrincipal, one) + 1);
      return () => giveBack({ jobId, connection, principals });
    },
    count: () => taken,
    async whenNone() {
      if (taken > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

function countOf(counts: ReadonlyMap<string, number>, key: string | undefined): number {
  return key === undefined ? 0 : (counts.get(key) ?? 0);
}

/** Forgets a key without a slot: there may be any number of them. */
function decrement(counts: Map<string, number>, key: string | undefined): void {
  if (key === undefined) return;
  const left = (counts.get(key) ?? 1) - 1;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}

function tooManyStreams(where: string, max: number): ProgressError {
  return new ProgressError("too-many-streams", {
    message:
      `The limit of ${max} open streams ${where} is reached. ` +
      "Raise maxStreams, maxStreamsPerJob, maxStreamsPerConnection or maxStreamsPerPrincipal, or add a process.",
    retryable: true,
    status: 429,
    details: { max },
  });
}
