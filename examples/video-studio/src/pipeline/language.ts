/** The languages that the presenter speaks. */
export type Language = "vi" | "en";

/** A text in both languages of the studio. */
export interface Label {
  readonly vi: string;
  readonly en: string;
}

const VIETNAMESE_LETTER = /[ăâđêôơưàáảãạằắẳẵặầấẩẫậèéẻẽẹềếểễệìíỉĩịòóỏõọồốổỗộờớởỡợùúủũụừứửữựỳýỷỹỵ]/iu;

/** Vietnamese if the text has a Vietnamese letter, else English. Decomposed letters count too. */
export function detectLanguage(text: string): Language {
  return VIETNAMESE_LETTER.test(text.normalize("NFC")) ? "vi" : "en";
}
