/** Characters of a text that is reported: a message or a log line. */
const MAX_TEXT_LENGTH = 4096;

/** Cuts a text to 4096 characters. A text that was cut ends with "…". */
export function cutText(text: string): string {
  if (text.length <= MAX_TEXT_LENGTH) return text;
  // The first half of a surrogate pair, left alone at the end, would be shown as a replacement character.
  return `${text.slice(0, MAX_TEXT_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
