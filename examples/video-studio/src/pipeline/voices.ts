import type { Label, Language } from "./language.js";

/** A voice that may be requested. The server checks requests with this list, without the speech engine. */
export interface Voice {
  /** The speech engine's name. */
  readonly id: string;
  readonly language: Language;
  readonly label: Label;
}

/** The voices, in the order in which they are offered. The first one of a language is its default. */
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

/** The id of a voice of {@link VOICES}. */
export type VoiceId = (typeof VOICES)[number]["id"];

/** The voice with an id, or `undefined`. */
export function findVoice(id: string): Voice | undefined {
  return VOICES.find((voice) => voice.id === id);
}

/**
 * The voice for a language: the requested one if it speaks the language, else a voice of that language with the same
 * gender. A Vietnamese text that an English voice reads can't be understood.
 */
export function voiceFor(language: Language, requested?: Voice): Voice {
  if (requested?.language === language) return requested;
  const isWoman = requested === undefined || requested.id.endsWith("+f3");
  const spoken: readonly Voice[] = VOICES.filter((voice) => voice.language === language);
  return spoken.find((voice) => voice.id.endsWith("+f3") === isWoman) ?? VOICES[0];
}
