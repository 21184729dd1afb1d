import type { TerminalStatus } from "@emlinh/progress-client";
import type { VideoErrorCode } from "../../pipeline/errors.js";
import type { Language } from "../../pipeline/language.js";
import type { VideoStepId } from "../../pipeline/plan.js";
import { en } from "./en.js";
import { vi } from "./vi.js";

/** The state of a job in the page, which is more detailed than its status. It determines the headline of its card. */
export type Phase =
  | "joining"
  | "queued"
  | "running"
  | "cancelling"
  | "stale"
  | "gone"
  | TerminalStatus;

/**
 * The error codes whose text is the page's own. The remedy for a missing ffmpeg is known to the server only, so its
 * message is shown.
 */
type ErrorCode =
  | Exclude<VideoErrorCode, "ffmpeg-missing">
  | "worker-silent"
  | "server-stopped"
  // The codes of the library, for jobs whose worker or server could not give a reason.
  | "job-lost"
  | "job-timed-out"
  | "job-failed";

/** The texts that differ for a user who opened a shared link. */
type ViewerTexts = Pick<Texts, "queueNext" | "queuePosition" | "unseen"> & {
  readonly headline: Readonly<Partial<Record<Phase, string>>>;
  readonly explanation: Readonly<Partial<Record<Phase, string>>>;
};

/** The page's texts in one language. If a translation is missing, the program does not compile. */
export interface Texts {
  /** The locale of numbers, such as `vi-VN`. */
  readonly locale: string;
  readonly pageTitle: string;
  readonly tagline: string;
  readonly languageLegend: string;
  readonly skipToComposer: string;
  readonly conversation: string;
  readonly assistant: string;
  readonly you: string;

  readonly welcomeTitle: string;
  readonly welcomeText: string;
  readonly ideasTitle: string;
  readonly ideas: readonly string[];

  readonly yourVideos: string;
  readonly yourVideosRunning: (count: number) => string;
  readonly listLoading: string;
  readonly listEmpty: string;
  readonly listUnseen: string;
  readonly listRefused: string;
  readonly showMore: string;
  readonly close: string;
  readonly cancelVideo: (title: string) => string;
  readonly deleteVideo: (title: string) => string;
  readonly deleteQuestion: string;
  readonly deleteYes: string;
  readonly deleteNo: string;
  readonly deleteFailed: string;
  readonly saysDeleted: (title: string) => string;

  readonly batchToggle: string;
  readonly batchPlaceholder: (most: number) => string;
  readonly batchKeysHint: string;
  readonly batchOffer: (lines: number) => string;
  readonly sendBatch: (videos: number) => string;
  readonly sendingBatch: (sent: number, total: number) => string;
  readonly batchOver: (lines: number, most: number) => string;
  readonly batchLine: (line: number, fault: string) => string;
  readonly batchLeft: (left: number, reason: string) => string;
  readonly batchMaking: (videos: number) => string;
  readonly batchReady: (videos: number) => string;
  readonly batchEnded: (ready: number, total: number) => string;
  readonly batchDone: (done: number, total: number) => string;
  readonly batchFailed: (failed: number) => string;

  readonly topicLabel: string;
  readonly topicPlaceholder: string;
  readonly send: string;
  readonly sending: string;
  readonly keysHint: string;
  readonly options: string;
  readonly duration: string;
  readonly voice: string;
  readonly vietnameseVoices: string;
  readonly englishVoices: string;
  readonly composition: string;
  readonly background: string;
  readonly charactersLeft: (left: number) => string;
  readonly charactersOver: (over: number) => string;
  readonly topicMissing: string;
  readonly sendSlow: string;
  readonly sendFailed: string;
  readonly sendRefused: string;
  readonly sendBusy: string;
  readonly sendQueueFull: string;
  readonly sendUnavailable: string;
  readonly sendGivenUp: string;
  readonly sendCancel: string;

  readonly headline: Readonly<Record<Phase, string>>;
  readonly explanation: Readonly<Partial<Record<Phase, string>>>;
  /** The headline while the page has no connection. */
  readonly unseen: string;
  readonly lastSeenAt: (percent: string) => string;
  readonly lastSeenQueued: string;
  readonly noNewsFor: (duration: string) => string;
  readonly queueNext: string;
  readonly queuePosition: (position: number) => string;
  readonly progressLabel: (topic: string) => string;
  readonly almostDone: string;
  readonly remaining: (duration: string) => string;
  readonly madeIn: (duration: string) => string;
  readonly playsFor: (clock: string) => string;
  readonly steps: Readonly<Record<VideoStepId, string>>;
  readonly stepsTitle: string;
  readonly stepStatus: Readonly<
    Record<"waiting" | "running" | "completed" | "failed" | "skipped" | "stopped", string>
  >;
  readonly units: Readonly<Record<string, string>>;
  readonly previewAlt: (topic: string) => string;
  readonly logTitle: (count: number) => string;
  readonly logDropped: (count: number) => string;
  readonly attempt: (attempt: number) => string;
  readonly readOnly: string;

  readonly cancel: string;
  readonly cancelling: string;
  readonly cancelFailed: string;
  readonly download: string;
  readonly again: string;
  readonly anotherLikeThis: string;
  readonly edit: string;
  readonly copyLink: string;
  readonly linkCopied: string;
  readonly videoLabel: (title: string) => string;

  readonly errors: Readonly<Record<ErrorCode, string>>;
  readonly forgotten: string;
  readonly errorUnknown: string;
  readonly viewer: ViewerTexts;

  readonly connectionLost: string;
  readonly connectionRetryIn: (seconds: number) => string;
  readonly connectionRetrying: string;
  readonly connectionSuspect: string;
  readonly connectionOffline: string;
  readonly connectionPolling: string;
  readonly tryNow: string;

  readonly saysStep: (topic: string, step: string) => string;
  readonly saysEnd: (topic: string, headline: string) => string;
  readonly titleWorking: (percent: string) => string;
  readonly titleQueued: string;
  readonly titleUnseen: string;
  readonly titleDone: string;

  readonly seconds: (count: string) => string;
  readonly minutes: (minutes: number, seconds: number) => string;
}

/** The page's texts by language. */
export const TEXTS: Readonly<Record<Language, Texts>> = { vi, en };

/** The texts about a video: "your video" for the user who requested it, "this video" for others. */
export function textsAbout({ isOwn }: { readonly isOwn: boolean }, texts: Texts): Texts {
  if (isOwn) return texts;
  const { headline, explanation, ...others } = texts.viewer;
  return {
    ...texts,
    ...others,
    headline: { ...texts.headline, ...headline },
    explanation: { ...texts.explanation, ...explanation },
  };
}
