import type { Language } from "../pipeline/language.js";
import type { PageStorage } from "./safe-storage.js";
import { TEXTS, type Texts } from "./texts/texts.js";

const KEY = "emlinh-language";

/** The page's language: who shows words asks {@link Speech.texts} each time, and is told when it changes. */
export interface Speech {
  readonly language: Language;
  readonly texts: Texts;
  choose(language: Language): void;
  onChange(listener: () => void): void;
}

/** Vietnamese if the reader's first known language is, English otherwise; what was chosen before wins. */
export function firstLanguage(
  chosen: string | null | undefined,
  preferred: readonly string[],
): Language {
  if (chosen === "vi" || chosen === "en") return chosen;
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return known.find((tag): tag is Language => tag === "vi" || tag === "en") ?? "en";
}

/** Keeps the language of the page and of `<html lang>`, over reloads too. */
export function createSpeech(storage: PageStorage): Speech {
  const listeners = new Set<() => void>();
  let language = firstLanguage(storage.getItem(KEY), navigator.languages);
  document.documentElement.lang = language;
  return {
    get language() {
      return language;
    },
    get texts() {
      return TEXTS[language];
    },
    choose(next) {
      if (next === language) return;
      language = next;
      document.documentElement.lang = next;
      remember(storage, next);
      for (const listener of listeners) listener();
    },
    onChange: (listener) => void listeners.add(listener),
  };
}

function remember(storage: PageStorage, language: Language): void {
  try {
    storage.setItem(KEY, language);
  } catch {
    // Full or forbidden: the choice then lasts as long as the page.
  }
}
