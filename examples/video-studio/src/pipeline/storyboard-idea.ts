import type { Language } from "./language.js";
import { estimateMs, LEAD_MS, TAIL_MS } from "./pace.js";
import type { Scene } from "./storyboard.js";
import { IDEA_PHRASES, type PointPhrases } from "./storyboard-phrases.js";
import { asTitle, midSentence, shorten, withoutClosing } from "./text.js";

/** A sentence that the script may contain. */
interface Candidate {
  readonly scene: number;
  readonly label: string;
  readonly line: string;
  /** If time is short, sentences with a smaller rank are kept. */
  readonly rank: number;
}

const LABEL_CHARS = 40;
/** The average rest after a line. It is shorter within a scene and longer after one. */
const REST_MS = 210;

/**
 * Writes scenes of about `seconds` for an idea. They always have the idea itself. As time allows, they also have the
 * close, the greeting, the three points and more sentences about each point, in this order of importance.
 */
export function buildIdeaScenes(language: Language, topic: string, seconds: number): Scene[] {
  const candidates = listCandidates(language, topic);
  const kept = new Set<Candidate>();
  let usedMs = LEAD_MS + TAIL_MS;
  for (const candidate of [...candidates].sort((a, b) => a.rank - b.rank)) {
    const costMs = estimateMs(language, candidate.line) + REST_MS;
    // The speech can be a tenth faster. Later sentences matter less, so none of them takes the remaining time.
    if (kept.size > 0 && usedMs + costMs > seconds * 1000 * 1.1) break;
    kept.add(candidate);
    usedMs += costMs;
  }
  return joinScenes(candidates.filter((candidate) => kept.has(candidate)));
}

function listCandidates(language: Language, topic: string): Candidate[] {
  const phrases = IDEA_PHRASES[language];
  const spoken = withoutClosing(topic);
  const fill = (line: string): string => line.replaceAll("{topic}", midSentence(spoken));
  const points = phrases.points[hash(spoken) % phrases.points.length] ?? [];
  const [idea, ...asides] = phrases.idea;
  const last = points.length + 2;
  return [
    { scene: 0, label: phrases.labels.greeting, line: phrases.greeting, rank: 2 },
    {
      scene: 1,
      label: shorten(`${phrases.labels.idea}: ${asTitle(topic)}`, LABEL_CHARS),
      line: fill(idea),
      rank: 0,
    },
    ...asides.map((line, n) => ({ scene: 1, label: "", line: fill(line), rank: 40 + n })),
    ...points.flatMap((point, n) => listPoint(point, n, fill)),
    { scene: last, label: phrases.labels.close, line: phrases.close, rank: 1 },
    { scene: last, label: "", line: phrases.farewell, rank: 30 },
  ];
}

function listPoint(point: PointPhrases, n: number, fill: (line: string) => string): Candidate[] {
  return [
    { scene: n + 2, label: point.label, line: fill(point.line), rank: 10 + n },
    ...point.more.map((line, m) => ({
      scene: n + 2,
      label: point.label,
      line: fill(line),
      rank: 20 + m * 15 + n,
    })),
  ];
}

function joinScenes(candidates: readonly Candidate[]): Scene[] {
  const scenes = new Map<number, { label: string; lines: string[] }>();
  for (const { scene, label, line } of candidates) {
    const known = scenes.get(scene);
    if (known) known.lines.push(line);
    else scenes.set(scene, { label, lines: [line] });
  }
  return [...scenes.values()];
}

/** Distributes topics over the sets of points. The same topic always gets the same set. */
function hash(text: string): number {
  let sum = 7;
  for (const letter of text.toLocaleLowerCase("vi"))
    sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return sum;
}
