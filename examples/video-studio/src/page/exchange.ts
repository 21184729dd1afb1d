import type { ConnectionState, JobWatch } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { type Asked, askedOf } from "./asked.js";
import { el } from "./dom.js";
import { isLive, phaseOf, type Video } from "./job-view.js";
import type { Speech } from "./language.js";
import { createCard } from "./parts/card.js";
import { createRequestMessage, messageFrom } from "./parts/message.js";
import type { Phase } from "./texts/texts.js";

/** What an exchange needs from the conversation around it. */
export interface ExchangeDeeds {
  /** Something of it changed. */
  onChange(): void;
  /** Makes the same video once more. */
  again(asked: Asked): void;
  /** Puts the same wishes into the composer. */
  another(asked: Asked): void;
  say(text: string): void;
}

/** Which job an exchange shows. */
export interface ExchangeSubject {
  readonly watch: JobWatch<VideoJob>;
  /** What was asked, where this page knows it before the server tells. */
  readonly asked: Asked | undefined;
  /** Whether the user may cancel it. */
  readonly isOwn: boolean;
  /** The address of this job alone. */
  readonly link: string;
}

/** One asked video: the user's message, and the card that answers it. */
export interface Exchange {
  readonly jobId: string;
  readonly element: HTMLElement;
  readonly phase: Phase;
  readonly video: Video | undefined;
  readonly connection: ConnectionState;
  render(): void;
  /** Looks at once whether the connection works again. */
  check(): void;
}

/** Shows a job for as long as the page lives. */
export function createExchange(
  subject: ExchangeSubject,
  speech: Speech,
  deeds: ExchangeDeeds,
): Exchange {
  const { watch, isOwn } = subject;
  const askedNow = (): Asked | undefined => askedOf(watch.getSnapshot().job) ?? subject.asked;
  const withAsked = (deed: (asked: Asked) => void) => () => {
    const asked = askedNow();
    if (asked !== undefined) deed(asked);
  };
  const card = createCard({
    cancel: async () => void (await watch.cancel()),
    again: withAsked(deeds.again),
    another: withAsked(deeds.another),
    copyLink: () => navigator.clipboard.writeText(subject.link),
  });
  const request = createRequestMessage();
  const answer = messageFrom("assistant", [card.element]);
  const element = el("section", { class: "exchange" }, [request.element, answer.element]);
  const herald = createHerald(speech, deeds.say);

  function render(): void {
    const { job: video, log } = watch.getSnapshot();
    const { texts, language } = speech;
    const asked = askedNow();
    request.render(asked, language, texts);
    answer.name.textContent = texts.assistant;
    card.render({ video, log, asked, isGone: isGone(), isOwn, texts });
    herald(video, phaseOf(video, isGone()));
  }

  function isGone(): boolean {
    const { status, error } = watch.getSnapshot().connection;
    return status === "closed" && error !== undefined;
  }

  watch.subscribe(() => {
    render();
    deeds.onChange();
  });
  render();

  return {
    jobId: watch.jobId,
    element,
    get phase() {
      return phaseOf(watch.getSnapshot().job, isGone());
    },
    get video() {
      return watch.getSnapshot().job;
    },
    get connection() {
      return watch.getSnapshot().connection;
    },
    render,
    check: () => watch.refresh(),
  };
}

/** Tells screen readers of each step that begins and of the end, but not of what was so already when the page was opened. */
function createHerald(
  speech: Speech,
  say: (text: string) => void,
): (video: Video | undefined, phase: Phase) => void {
  let known: { readonly phase: Phase; readonly step: Video["step"] } | undefined;
  return (video, phase) => {
    const before = known;
    if (video === undefined) return;
    known = { phase, step: video.step };
    if (before === undefined) return;
    const { texts } = speech;
    const topic = video.metadata.title ?? video.metadata.topic ?? "";
    if (before.phase !== phase && !(isLive(phase) && phase !== "stale"))
      say(texts.saysEnd(topic, texts.headline[phase]));
    else if (before.step !== video.step && video.step !== null)
      say(texts.saysStep(topic, texts.steps[video.step]));
  };
}
