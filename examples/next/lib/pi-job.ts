import { defineJob, type JobOf, typed } from "@emlinh/progress-client";

/** The types that the server and the page share. */
export const piJob = defineJob({
  kind: "pi",
  plan: [{ id: "sample", title: "Sampling" }],
  result: typed<{ pi: number }>(),
});

export type PiJob = JobOf<typeof piJob>;
