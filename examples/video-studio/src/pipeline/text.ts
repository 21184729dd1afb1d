import { hasWords, normalizeTopic, withoutEmoji } from "../shared/topic.js";

/** The text on one line, without characters that can't be spoken or drawn. */
export function cleanText(text: string): string {
  return withoutEmoji(normalizeTopic(text));
}

/** Splits a text after each full stop, question mark, exclamation mark or ellipsis that ends a word. */
export function splitSentences(text: string): string[] {
  const sentences = text.split(/(?<=[.!?…]["'”’)]*)\s+/u).map((sentence) => sentence.trim());
  const spoken = sentences.filter((sentence) => /[\p{L}\p{N}]/u.test(sentence));
  return spoken.length > 0 ? spoken : [text];
}

const MAX_IDEA_CHARS = 120;

/**
 * Whether the text names a topic instead of being a script: one short phrase that does not end like a statement. A
 * question is a topic; `Xin chào các bạn!` is a script.
 */
export function isIdea(sentences: readonly string[]): boolean {
  const [only, second] = sentences;
  if (only === undefined || second !== undefined) return false;
  return only.length <= MAX_IDEA_CHARS && !/[.!…]["'”’)]*$/u.test(only);
}

const REQUESTS = [
  new RegExp(
    "^(?:hãy |em hãy |xin hãy )?(?:tạo|làm|dựng)(?: cho (?:tôi|mình|em|anh|chị))?" +
      "(?: một| 1)?(?: đoạn)?(?: video| clip)(?: ngắn)?(?: (?:về|nói về|giới thiệu))?(?: chủ đề)?[:,]?\\s+",
    "iu",
  ),
  /^(?:please )?(?:make|create|produce)(?: me)?(?: a| an)?(?: short)? (?:video|clip)(?: (?:about|on|of))?[:,]?\s+/iu,
];

/** The topic of an idea, without the words that request a video. It keeps its punctuation: "Why is the sky blue?" */
export function topicOf(idea: string): string {
  return orWhole(
    REQUESTS.reduce((text, words) => text.replace(words, ""), idea),
    idea,
  );
}

/** The part of a text if it has a letter or a digit, else the whole text. */
export function orWhole(part: string, whole: string): string {
  return hasWords(part) ? part : whole;
}

/** The text without its closing punctuation, for the middle of a sentence. */
export function withoutClosing(text: string): string {
  return text.replace(/[\s.!?…,;:]+$/u, "");
}

/**
 * The text as a title: without a closing full stop, comma, semicolon or colon. A question mark, an exclamation mark, an
 * ellipsis and the point of an abbreviation such as "U.S." are a part of the title.
 */
export function asTitle(text: string): string {
  return text.replace(/(?:(?<!\.\p{L}?)\.|[\s,;:]+)$/u, "");
}

/** The text with a capital first letter. */
export function titleCase(text: string): string {
  const [first = ""] = text;
  return first.toLocaleUpperCase("vi") + text.slice(first.length);
}

/** The text with a lower-case first letter, for the middle of a sentence, unless it is a name or an abbreviation. */
export function midSentence(text: string): string {
  const [first = "", second = ""] = text;
  const words = text.split(" ");
  const isAbbreviation = second !== second.toLocaleLowerCase("vi");
  // In a Vietnamese name each word is capitalized, so the second word shows it: "Hà Nội".
  const isName = words[1] !== undefined && /^\p{Lu}/u.test(words[1]);
  return isAbbreviation || isName ? text : first.toLocaleLowerCase("vi") + text.slice(first.length);
}

/** The text, cut between words to at most `maxChars` characters, with an ellipsis. A question stays a question. */
export function shorten(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const [mark = ""] = /[?!]+$/u.exec(text) ?? [];
  const head = text.slice(0, maxChars - mark.length);
  const end = head.lastIndexOf(" ");
  // A single long word, such as an address, is cut inside.
  const kept = (end > maxChars / 3 ? head.slice(0, end) : head).replace(/[\s,;:.]+$/u, "");
  return `${kept}…${mark}`;
}
