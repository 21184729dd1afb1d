import type { Language } from "../pipeline/language.js";
import type { PageStorage } from "./safe-storage.js";
import { TEXTS, type Texts } from "./texts/texts.js";

const KEY = "emlinh-language";

/** The page's language. Parts of the page read {@link I18n.texts} each time they render. */
export interface I18n {
  readonly language: Language;
  readonly texts: Texts;
  choose(language: Language): void;
  /** Calls the listener after each change of the language. */
  onChange(listener: () => void): void;
}

/** The language that was chosen before, else the first preferred language that the page has, else English. */
export function firstLanguage(
  chosen: string | null | undefined,
  preferred: readonly string[],
): Language {
  if (chosen === "vi" || chosen === "en") return chosen;
  const known = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return known.find((tag): tag is Language => tag === "vi" || tag === "en") ?? "en";
}

/** Sets the language of the page and of `<html lang>`, and stores it for the next visit. */
export function createI18n(storage: PageStorage): I18n {
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
    // The storage is full or blocked. The choice then lasts until the page is closed.
  }
}
