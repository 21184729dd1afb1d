import { now } from "../clock.js";

/** An event of about 200 bytes, as a job's progress is. */
export type BenchEvent = {
  /** The number of the event in its topic, from 1. */
  readonly seq: number;
  /** When the event was made, by {@link now}. */
  readonly madeAt: number;
  readonly job: string;
  readonly state: string;
  readonly progress: number;
  readonly step: string;
  readonly message: string;
};

const MESSAGE = "frame batch written to object storage, checksum ok, next batch queued";

/** Makes an event. `extraBytes` is added to its size. */
export function makeEvent(topic: number, seq: number, extraBytes = 0): BenchEvent {
  return {
    seq,
    madeAt: now(),
    job: `job-${String(topic).padStart(6, "0")}`,
    state: "running",
    progress: (seq % 1_000) / 1_000,
    step: "transcode",
    message: MESSAGE + "x".repeat(extraBytes),
  };
}

/** An event as a server writes it that does so by hand. */
export function encodeEvent(event: BenchEvent): Buffer {
  return Buffer.from(`id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`);
}
