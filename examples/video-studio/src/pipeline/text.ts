/** Removes characters that can't be spoken or drawn (pictographs, control characters), and collapses white space. */
export function cleanText(text: string): string {
  return text
    .normalize("NFC")
    .replace(
      /\p{Extended_Pictographic}|\p{Emoji_Modifier}|\p{Regional_Indicator}|\ufe0f|\u20e3/gu,
      " ",
    )
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]+/gu, " ")
    .replace(/\s+/gu, " ")
    .trim();
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

/** The topic of an idea, without the words that request a video and without a closing punctuation mark. */
export function topicOf(idea: string): string {
  const bare = REQUESTS.reduce((text, words) => text.replace(words, ""), idea).replace(
    /[\s.!?…,;:]+$/u,
    "",
  );
  return bare === "" ? idea : bare;
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

/** The text, cut between words to at most `maxChars` characters, with an ellipsis. */
export function shorten(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const head = text.slice(0, maxChars);
  const end = head.lastIndexOf(" ");
  // A single long word, such as an address, is cut inside.
  return `${(end > maxChars / 3 ? head.slice(0, end) : head).replace(/[\s,;:.]+$/u, "")}…`;
}
