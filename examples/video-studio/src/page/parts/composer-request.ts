import { LIMITS } from "../../pipeline/request.js";
import { MAX_BATCH } from "../../shared/session.js";
import { hasWords, normalizeTopic, topicRefusal } from "../../shared/topic.js";
import type { I18n } from "../i18n.js";
import { topicsIn } from "../lines.js";

/** The videos that the text of the composer asks for. */
export interface Request {
  /** Whether each line is a video. */
  readonly isBatch: boolean;
  /** Normalized as the server does before it counts the characters. None if there is no text. */
  readonly topics: readonly string[];
  /** The lines that have text. */
  readonly lines: number;
}

/** The videos of a text. */
export function requestIn(text: string, isBatch: boolean): Request {
  const lines = topicsIn(text);
  const topic = normalizeTopic(text);
  return {
    isBatch,
    topics: isBatch ? lines : [topic].filter(Boolean),
    lines: lines.length,
  };
}

/** The characters that are left in the longest topic. Negative if it is too long. */
export function charactersLeft({ topics }: Request): number {
  return LIMITS.maxTextChars - Math.max(0, ...topics.map(({ length }) => length));
}

/** Whether there are too many videos, or a topic has too many characters. */
export function isTooLong(request: Request): boolean {
  return request.topics.length > MAX_BATCH || charactersLeft(request) < 0;
}

/** The sentence for the first topic that can't be made into a video, in the user's present language. */
export function faultIn({ topics }: Request, { language, texts }: I18n): string | undefined {
  if (topics.length === 0) return texts.topicMissing;
  for (const [index, topic] of topics.entries()) {
    const fault = hasWords(topic) ? topicRefusal(topic, language) : texts.topicMissing;
    if (fault === undefined) continue;
    return topics.length === 1 ? fault : texts.batchLine(index + 1, fault);
  }
  return undefined;
}
