import { detectLanguage, type Language } from "./language.js";
import { buildIdeaScenes } from "./storyboard-idea.js";
import { buildTextScenes } from "./storyboard-text.js";
import {
  asTitle,
  cleanText,
  isIdea,
  orWhole,
  shorten,
  splitSentences,
  titleCase,
  topicOf,
} from "./text.js";

/** One scene: the lines that are spoken while one entry of the scene list is highlighted. */
export interface Scene {
  /** A few words for the scene list. */
  readonly label: string;
  /** The sentences, at least one. */
  readonly lines: readonly string[];
}

/** A script. */
export interface Storyboard {
  readonly language: Language;
  /** For the headline; at most about 60 characters. */
  readonly title: string;
  /** The line above the headline. */
  readonly kicker: string;
  /** At least one. */
  readonly scenes: readonly Scene[];
}

/** The input of a script. */
interface ScriptBrief {
  /** 1 to 600 characters. */
  readonly topic: string;
  /** The requested length in seconds. */
  readonly duration: number;
}

/** Writes the script. A language model can implement this interface. The one here needs no network. */
export interface ScriptWriter {
  write(brief: ScriptBrief, signal?: AbortSignal): Promise<Storyboard>;
}

const KICKERS: Readonly<Record<Language, string>> = {
  vi: "Em Linh kể chuyện",
  en: "Em Linh explains",
};
const TITLE_CHARS = 60;

/** A writer without a network: {@link templateScript}. */
export function templateWriter(): ScriptWriter {
  return { write: async (brief) => templateScript(brief) };
}

/**
 * A deterministic script. An idea becomes a greeting, the idea, up to three points and a close, as the duration allows.
 * Whole sentences are spoken as they were written.
 */
export function templateScript({ topic, duration }: ScriptBrief): Storyboard {
  const text = cleanText(topic);
  const language = detectLanguage(text);
  const sentences = splitSentences(text);
  const kicker = KICKERS[language];
  if (isIdea(sentences)) {
    const subject = topicOf(sentences[0] ?? text);
    const title = shorten(titleCase(asTitle(subject)), TITLE_CHARS);
    return { language, title, kicker, scenes: buildIdeaScenes(language, subject, duration) };
  }
  return {
    language,
    title: titleOfText(sentences),
    kicker,
    scenes: buildTextScenes(sentences),
  };
}

const GREETING = /^(xin chào|chào|hello|hi|hey|welcome|good (morning|afternoon|evening))\b/iu;

const LEAD_IN = [
  new RegExp(
    "^hôm nay,? (?:chúng ta|chúng mình|mình|em)(?: sẽ)?(?: hãy)?(?: cùng)?(?: nhau)?" +
      "(?: tìm hiểu| nói| trò chuyện| khám phá)(?: về)?\\s+",
    "iu",
  ),
  /^today,? (?:we|i|let us|let's)(?: will| are going to)? (?:look at|talk about|learn about|explore)\s+/iu,
];

/** The title of a text: its first sentence that is not a greeting, without an introduction. */
function titleOfText(sentences: readonly string[]): string {
  const first = sentences.find((sentence) => !GREETING.test(sentence)) ?? sentences[0] ?? "";
  const bare = LEAD_IN.reduce((text, words) => text.replace(words, ""), first);
  return shorten(titleCase(asTitle(orWhole(bare, first))), TITLE_CHARS);
}
