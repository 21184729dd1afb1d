import { detectLanguage, type Language } from "./language.js";
import { buildIdeaScenes } from "./storyboard-idea.js";
import { buildTextScenes } from "./storyboard-text.js";
import { cleanText, isIdea, shorten, splitSentences, titleCase, topicOf } from "./text.js";

/** One scene: what is said while one entry of the scene list is lit. */
export interface Scene {
  /** A few words for the scene list. */
  readonly label: string;
  /** What is said, sentence by sentence; at least one. */
  readonly lines: readonly string[];
}

/** A script: what the presenter says, in order. */
export interface Storyboard {
  readonly language: Language;
  /** For the headline; at most about 60 characters. */
  readonly title: string;
  /** The small line above the headline. */
  readonly kicker: string;
  /** At least one. */
  readonly scenes: readonly Scene[];
}

/** What a script is written from. */
interface ScriptBrief {
  /** 1 to 600 characters. */
  readonly topic: string;
  /** Wanted length in seconds. */
  readonly duration: number;
}

/** Writes the script. A language model can stand behind this; the one here needs no network. */
export interface ScriptWriter {
  write(brief: ScriptBrief, signal?: AbortSignal): Promise<Storyboard>;
}

const KICKERS: Readonly<Record<Language, string>> = {
  vi: "Em Linh kể chuyện",
  en: "Em Linh explains",
};
const TITLE_CHARS = 60;

/**
 * The writer that needs nothing: the same brief gives the same script. An idea becomes a greeting, the idea, up to three
 * points and a close, as many as the duration holds; whole sentences are said as they were written.
 */
export function templateWriter(): ScriptWriter {
  return {
    async write({ topic, duration }) {
      const text = cleanText(topic);
      const language = detectLanguage(text);
      const sentences = splitSentences(text);
      const kicker = KICKERS[language];
      if (isIdea(sentences)) {
        const subject = topicOf(sentences[0] ?? text);
        const title = shorten(titleCase(subject), TITLE_CHARS);
        return { language, title, kicker, scenes: buildIdeaScenes(language, subject, duration) };
      }
      return {
        language,
        title: titleOfText(sentences),
        kicker,
        scenes: buildTextScenes(sentences),
      };
    },
  };
}

const GREETING = /^(xin chào|chào|hello|hi|hey|welcome|good (morning|afternoon|evening))\b/iu;

const LEAD_IN = [
  /^hôm nay,? (?:chúng ta|chúng mình|mình|em)(?: sẽ)?(?: hãy)?(?: cùng)?(?: nhau)?(?: tìm hiểu| nói| trò chuyện| khám phá)(?: về)?\s+/iu,
  /^today,? (?:we|i|let us|let's)(?: will| are going to)? (?:look at|talk about|learn about|explore)\s+/iu,
];

/** What the first telling sentence is about; a greeting is no title while there is another. */
function titleOfText(sentences: readonly string[]): string {
  const telling = sentences.find((sentence) => !GREETING.test(sentence)) ?? sentences[0] ?? "";
  const bare = LEAD_IN.reduce((text, words) => text.replace(words, ""), telling);
  return shorten(titleCase(bare.replace(/[.!?…]+$/u, "")), TITLE_CHARS);
}
