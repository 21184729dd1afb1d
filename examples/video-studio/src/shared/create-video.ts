import type { Label, Language } from "../pipeline/language.js";

/** What the page sends to create a video. An `Idempotency-Key` may stand in the header or here. */
export interface CreateVideoBody {
  /** 1 to 600 characters. */
  readonly topic: string;
  /** In seconds, 5 to 60. */
  readonly duration: number;
  readonly composition: string;
  readonly background: string;
  readonly voice: string;
  readonly session_id?: string;
  readonly idempotency_key?: string;
}

/** The answer 202: the job is there, and its progress can be watched. */
export interface CreateVideoReply {
  readonly jobId: string;
  readonly eventsUrl: string;
  readonly statusUrl: string;
  /** For the user. */
  readonly message: string;
}

/** One thing to choose. */
interface Choice {
  readonly id: string;
  readonly label: Label;
}

/** What can be asked for; the first of each list is the default. */
export interface StudioOptions {
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
