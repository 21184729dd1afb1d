import type { Label, Language } from "../pipeline/language.js";

/** The request to create a video. The idempotency key may also be sent in the header `Idempotency-Key`. */
export interface CreateVideoBody {
  /** 1 to 600 characters. */
  readonly topic: string;
  /** In seconds, 5 to 60. */
  readonly duration: number;
  readonly composition: string;
  readonly background: string;
  readonly voice: string;
  /** Videos of one session with the same one are listed together. `[A-Za-z0-9_-]{1,64}`. */
  readonly batch?: string;
  readonly session_id?: string;
  readonly idempotency_key?: string;
}

/** The answer 202: the job exists, and its progress can be watched. */
export interface CreateVideoReply {
  readonly jobId: string;
  readonly eventsUrl: string;
  readonly statusUrl: string;
  /** For the user. */
  readonly message: string;
}

/** One option. */
interface Choice {
  readonly id: string;
  readonly label: Label;
}

/** The options of a video. The first one of each list is the default. */
export interface VideoOptions {
  readonly voices: readonly (Choice & { readonly language: Language })[];
  readonly compositions: readonly Choice[];
  readonly backgrounds: readonly Choice[];
  readonly limits: {
    readonly topicLength: number;
    readonly minDuration: number;
    readonly maxDuration: number;
    readonly defaultDuration: number;
  };
}
