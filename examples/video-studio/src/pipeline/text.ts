/** Removes what can neither be said nor drawn (pictographs, control characters) and joins runs of white space. */
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

/** Cuts a text after each full stop, question mark, exclamation mark or ellipsis that ends a word. */
export function splitSentences(text: string): string[] {
  const sentences = text.split(/(?<=[.!?…]["'”’)]*)\s+/u).map((sentence) => sentence.trim());
  const telling = sentences.filter((sentence) => /[\p{L}\p{N}]/u.test(sentence));
  return telling.length > 0 ? telling : [text];
}

const MAX_IDEA_CHARS = 120;

/**
 * Whether the text names a subject instead of saying it: one short phrase that is not closed as a statement is. A
 * question is a subject; `Xin chào các bạn!` is a text.
 */
export function isIdea(sentences: readonly string[]): boolean {
  const [only, second] = sentences;
  if (only === undefined || second !== undefined) return false;
  return only.length <= MAX_IDEA_CHARS && !/[.!…]["'”’)]*$/u.test(only);
}

const ASKING = [
  /^(?:hãy |em hãy |xin hãy )?(?:tạo|làm|dựng)(?: cho (?:tôi|mình|em|anh|chị))?(?: một| 1)?(?: đoạn)?(?: video| clip)(?: ngắn)?(?: (?:về|nói về|giới thiệu))?(?: chủ đề)?[:,]?\s+/iu,
  /^(?:please )?(?:make|create|produce)(?: me)?(?: a| an)?(?: short)? (?:video|clip)(?: (?:about|on|of))?[:,]?\s+/iu,
];

/** The subject of an idea: without the words that ask for a video, and without a closing mark. */
export function topicOf(idea: string): string {
  const bare = ASKING.reduce((text, words) => text.replace(words, ""), idea).replace(
    /[\s.!?…,;:]+$/u,
    "",
  );
  return bare === "" ? idea : bare;
}

/** The first letter large; the rest as it was. */
export function titleCase(text: string): string {
  const [first = ""] = text;
  return first.toLocaleUpperCase("vi") + text.slice(first.length);
}

/** The first letter small, for the middle of a sentence, unless the word is a name or an abbreviation. */
export function midSentence(text: string): string {
  const [first = "", second = ""] = text;
  const words = text.split(" ");
  const isAbbreviation = second !== second.toLocaleLowerCase("vi");
  // Vietnamese names are capitalized word by word: in "Hà Nội" the second word tells.
  const isName = words[1] !== undefined && /^\p{Lu}/u.test(words[1]);
  return isAbbreviation || isName ? text : first.toLocaleLowerCase("vi") + text.slice(first.length);
}

/** At most `maxChars` characters, cut between words and closed with an ellipsis. */
export function shorten(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  const head = text.slice(0, maxChars);
  const end = head.lastIndexOf(" ");
  // A single endless word, such as an address, has no gap to cut at.
  return `${(end > maxChars / 3 ? head.slice(0, end) : head).replace(/[\s,;:.]+$/u, "")}…`;
}
