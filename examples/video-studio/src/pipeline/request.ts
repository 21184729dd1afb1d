import { hasWords, normalizeTopic, topicRefusal } from "../shared/topic.js";
import { VideoError } from "./errors.js";
import { BACKGROUNDS, type BackgroundId, COMPOSITIONS, type CompositionId } from "./looks.js";
import { findVoice, type VoiceId } from "./voices.js";

/** The limits of a request. */
export const LIMITS = {
  maxTextChars: 600,
  minSeconds: 5,
  maxSeconds: 60,
  defaultSeconds: 20,
} as const;

/** A request for a video. */
export interface VideoRequest {
  /** An idea in a few words, or the sentences to speak. 1 to 600 characters. */
  readonly topic: string;
  /** The length in seconds, 5 to 60. An idea is explained in about that time. A text is always spoken completely. */
  readonly duration: number;
  readonly background: BackgroundId;
  readonly composition: CompositionId;
  /** @defaultValue the default voice of the text's language */
  readonly voice?: VoiceId | undefined;
}

/**
 * Checks an untrusted request, and adds the defaults of missing fields.
 *
 * @throws {@link VideoError} `invalid-request` or `unknown-voice`, with the field. The message may be shown to users.
 */
export function parseVideoRequest(input: unknown): VideoRequest {
  if (typeof input !== "object" || input === null)
    throw invalid("topic", "The request must be an object with a `topic`.");
  const fields = input as Readonly<Record<string, unknown>>;
  const request = {
    topic: parseTopic(fields.topic),
    duration: parseDuration(fields.duration),
    background: parseChoice("background", fields.background, BACKGROUNDS),
    composition: parseChoice("composition", fields.composition, COMPOSITIONS),
  };
  const voice = parseVoice(fields.voice);
  return voice === undefined ? request : { ...request, voice };
}

function parseTopic(topic: unknown): string {
  if (typeof topic !== "string") throw invalid("topic", "`topic` must be a string.");
  const normalized = normalizeTopic(topic);
  if (!hasWords(normalized))
    throw invalid("topic", "`topic` must have at least one letter or digit.");
  if (normalized.length > LIMITS.maxTextChars) {
    throw invalid(
      "topic",
      `\`topic\` has ${normalized.length} characters; it must have at most ${LIMITS.maxTextChars}.`,
    );
  }
  const refusal = topicRefusal(normalized, "en");
  if (refusal !== undefined) throw invalid("topic", refusal);
  return normalized;
}

function parseDuration(duration: unknown): number {
  if (duration === undefined) return LIMITS.defaultSeconds;
  const inBounds =
    typeof duration === "number" && duration >= LIMITS.minSeconds && duration <= LIMITS.maxSeconds;
  if (!inBounds)
    throw invalid(
      "duration",
      `\`duration\` must be a number of seconds from ${LIMITS.minSeconds} to ${LIMITS.maxSeconds}.`,
    );
  return duration;
}

function parseChoice<Id extends string>(
  name: "background" | "composition",
  value: unknown,
  choices: readonly { readonly id: Id }[],
): Id {
  const choice = value === undefined ? choices[0] : choices.find((one) => one.id === value);
  if (!choice)
    throw invalid(name, `\`${name}\` must be one of ${choices.map((one) => one.id).join(", ")}.`);
  return choice.id;
}

function parseVoice(id: unknown): VoiceId | undefined {
  if (id === undefined) return undefined;
  const voice = typeof id === "string" ? findVoice(id) : undefined;
  if (!voice)
    throw new VideoError("unknown-voice", "`voice` is not one of the voices offered.", {
      field: "voice",
    });
  return voice.id as VoiceId;
}

function invalid(field: keyof VideoRequest, message: string): VideoError {
  return new VideoError("invalid-request", message, { field });
}
