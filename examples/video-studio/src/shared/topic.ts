import type { Language } from "../pipeline/language.js";

// The characters of the fonts with which the video is drawn, as ranges. A test compares them with the fonts.
const LETTERS = "a-zA-ZªºÀ-ÖØ-öø-ćĊ-ēĖ-ěĞ-ġĦ-īĮ-ıĹĺĽľŁ-ńŇňŌōŐ-ŕŘ-śŞ-ūŮ-žƠơƯưǦǧḠḡẀ-ẅẞẠ-ỹ";
const MARKS = "\u0300-\u0304\u0306-\u030c\u0312\u031b\u0323\u0326-\u0328";
const SIGNS = " -@[-`{-~¡-©«¬®-¹»-¿×÷ˆˇ˘-˜–—‘-‚“-„†-•…‰‹›⁄⁰⁴-⁹₀-₉₫€™⅛-⅞−∕≈≠≤≥";
const SHOWN = new RegExp(`^[${LETTERS}${MARKS}${SIGNS}]+$`, "u");

/** A pictograph with its modifiers, a flag, or the frame of a keycap. */
const EMOJI = new RegExp(
  [
    "\\p{Extended_Pictographic}(?:\\p{Extended_Pictographic}|\\p{Emoji_Modifier}|\\ufe0f|\\u200d)*",
    "\\p{Regional_Indicator}+",
    "\\ufe0f?\\u20e3",
  ].join("|"),
  "gu",
);

/** Zero-width characters, direction marks, control characters and halves of characters. */
const INVISIBLE = /^[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cf}\p{Cs}]$/u;

/** Signs that the fonts lack and that have an equal one. */
const EQUAL: Readonly<Record<string, string>> = {
  "\u02bc": "’",
  "\u2010": "-",
  "\u2011": "-",
  "\u2012": "–",
  "\u2015": "—",
  "\u2032": "'",
  "\u2033": '"',
};

/**
 * The topic as it is stored: composed (NFC), without invisible characters, and with the usual form of letters that have
 * another one, such as mathematical or full-width letters. Emoji and line feeds are kept.
 */
export function normalizeTopic(text: string): string {
  const composed = text
    .normalize("NFC")
    // A byte order mark counts as white space.
    .replaceAll("\ufeff", "")
    .replace(/\r\n?|[\u2028\u2029]/gu, "\n");
  const parts: string[] = [];
  let end = 0;
  for (const { 0: emoji, index } of composed.matchAll(EMOJI)) {
    parts.push(...Array.from(composed.slice(end, index), usualForm), emoji);
    end = index + emoji.length;
  }
  parts.push(...Array.from(composed.slice(end), usualForm));
  return parts.join("").normalize("NFC").trim();
}

/** The topic without its emoji, on one line: the part that is spoken and shown in the video. */
export function withoutEmoji(topic: string): string {
  return topic
    .replace(EMOJI, (emoji) => (isShown(emoji) ? emoji : " "))
    .replace(/\s+/gu, " ")
    .trim();
}

/** Whether a normalized topic has a letter or a digit. */
export function hasWords(topic: string): boolean {
  return /[\p{L}\p{N}]/u.test(topic);
}

/** The sentence that refuses a normalized topic with characters that can't be shown, or `undefined` if all can. */
export function topicRefusal(topic: string, language: Language): string | undefined {
  const unshown = [...new Set(withoutEmoji(topic))].filter((character) => !isShown(character));
  return unshown.length === 0 ? undefined : REFUSALS[language](listOf(unshown));
}

const REFUSALS: Readonly<Record<Language, (characters: string) => string>> = {
  en: (characters) =>
    "The video can only show Latin letters, as in English and Vietnamese, digits and common signs. " +
    `Write these characters in Latin letters, or leave them out: ${characters}`,
  vi: (characters) =>
    "Video chỉ hiển thị được chữ Latinh như trong tiếng Việt và tiếng Anh, chữ số và các dấu thông dụng. " +
    `Hãy viết lại bằng chữ Latinh, hoặc bỏ đi: ${characters}`,
};

const MAX_LISTED = 5;

/** The first characters of a list. They are isolated, so that letters from right to left don't turn the sentence. */
function listOf(characters: readonly string[]): string {
  const listed = characters.slice(0, MAX_LISTED).map(nameOf);
  return `\u2068${listed.join(" ")}\u2069${characters.length > MAX_LISTED ? " …" : ""}`;
}

/** A character as it is listed: itself, or its number if it has no shape. */
function nameOf(character: string): string {
  if (/\p{M}/u.test(character)) return `◌${character}`;
  if (!/\p{C}/u.test(character)) return character;
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Whether the fonts have a text, or its letters and marks one by one. */
function isShown(text: string): boolean {
  return SHOWN.test(text) || SHOWN.test(text.normalize("NFD"));
}

function usualForm(character: string): string {
  if (/\s/u.test(character)) return character === "\n" ? "\n" : " ";
  if (INVISIBLE.test(character)) return "";
  if (isShown(character)) return character;
  const usual = EQUAL[character] ?? character.normalize("NFKC");
  return isShown(usual) ? usual : character;
}
