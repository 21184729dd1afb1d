import { ProgressError } from "@emlinh/progress-protocol";
import type { Settings } from "../options.js";

/** Bounds the streams and held polls that are open at once: in this process, per job and per connection. */
export interface StreamLimiter {
  /**
   * Takes a slot for one stream of a job.
   *
   * @param connection - The connection that carries it, compared by identity; `undefined` if it is not known.
   * @returns a function that gives the slot back. Call it once.
   * @throws ProgressError `too-many-streams`
   */
  take(jobId: string, connection?: object | undefined): () => void;
  /** Slots that are taken. */
  count(): number;
  /** Resolves once no slot is taken. */
  whenNone(): Promise<void>;
}

/** The bounds of a {@link StreamLimiter}. */
type Limits = Pick<Settings, "maxStreams" | "maxStreamsPerJob" | "maxStreamsPerConnection">;

/** Starts with all slots free. */
export function streamLimiter({
  maxStreams,
  maxStreamsPerJob,
  maxStreamsPerConnection,
}: Limits): StreamLimiter {
  const byJob = new Map<string, number>();
  const byConnection = new WeakMap<object, number>();
  let taken = 0;
  let waiting: (() => void)[] = [];

  function giveBack(jobId: string, connection: object | undefined): void {
    taken -= 1;
    const left = (byJob.get(jobId) ?? 1) - 1;
    if (left > 0) byJob.set(jobId, left);
    else byJob.delete(jobId);
    if (connection !== undefined)
      byConnection.set(connection, (byConnection.get(connection) ?? 1) - 1);
    if (taken > 0) return;
    for (const resolve of waiting) resolve();
    waiting = [];
  }

  return {
    take(jobId, connection) {
      const ofJob = byJob.get(jobId) ?? 0;
      const ofConnection = connection === undefined ? 0 : (byConnection.get(connection) ?? 0);
      if (taken >= maxStreams) throw tooManyStreams("in this process", maxStreams);
      if (ofJob >= maxStreamsPerJob)
        throw tooManyStreams(`of the job "${jobId}"`, maxStreamsPerJob);
      if (ofConnection >= maxStreamsPerConnection)
        throw tooManyStreams("of one connection", maxStreamsPerConnection);
      taken += 1;
      byJob.set(jobId, ofJob + 1);
      if (connection !== undefined) byConnection.set(connection, ofConnection + 1);
      return () => giveBack(jobId, connection);
    },
    count: () => taken,
    async whenNone() {
      if (taken > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}

function tooManyStreams(where: string, max: number): ProgressError {
  return new ProgressError("too-many-streams", {
    message:
      `The limit of ${max} open streams ${where} is reached. ` +
      "Raise maxStreams, maxStreamsPerJob or maxStreamsPerConnection, or add a process.",
    retryable: true,
    status: 429,
    details: { max },
  });
}
