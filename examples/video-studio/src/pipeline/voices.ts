import type { Label, Language } from "./language.js";

/** A voice that may be asked for. The engine is not needed to know the list: the server checks requests with it. */
export interface Voice {
  /** As the speech engine names it. */
  readonly id: string;
  readonly language: Language;
  readonly label: Label;
}

/** Every voice, in the order in which to offer them; the first of each language is that language's default. */
export const VOICES = [
  { id: "vi+f3", language: "vi", label: { vi: "Nữ, miền Bắc", en: "Vietnamese, woman, north" } },
  {
    id: "vi-vn-x-central+f3",
    language: "vi",
    label: { vi: "Nữ, miền Trung", en: "Vietnamese, woman, central" },
  },
  {
    id: "vi-vn-x-south+f3",
    language: "vi",
    label: { vi: "Nữ, miền Nam", en: "Vietnamese, woman, south" },
  },
  { id: "vi", language: "vi", label: { vi: "Nam, miền Bắc", en: "Vietnamese, man, north" } },
  {
    id: "vi-vn-x-central",
    language: "vi",
    label: { vi: "Nam, miền Trung", en: "Vietnamese, man, central" },
  },
  {
    id: "vi-vn-x-south",
    language: "vi",
    label: { vi: "Nam, miền Nam", en: "Vietnamese, man, south" },
  },
  { id: "en-us+f3", language: "en", label: { vi: "Nữ, tiếng Anh", en: "English, woman" } },
  { id: "en-us", language: "en", label: { vi: "Nam, tiếng Anh", en: "English, man" } },
] as const satisfies readonly Voice[];

/** The id of one of the {@link VOICES}. */
export type VoiceId = (typeof VOICES)[number]["id"];

/** The voice of that id, or `undefined`. */
export function findVoice(id: string): Voice | undefined {
  return VOICES.find((voice) => voice.id === id);
}

/**
 * The voice to speak a language with: the one asked for if it speaks that language, else that language's own one of
 * the same gender. A Vietnamese text read by an English voice cannot be understood.
 */
export function voiceFor(language: Language, asked?: Voice): Voice {
  if (asked?.language === language) return asked;
  const isWoman = asked === undefined || asked.id.endsWith("+f3");
  const spoken: readonly Voice[] = VOICES.filter((voice) => voice.language === language);
  return spoken.find((voice) => voice.id.endsWith("+f3") === isWoman) ?? VOICES[0];
}
