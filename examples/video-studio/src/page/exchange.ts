import type { JobWatch } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { el } from "./dom.js";
import type { I18n } from "./i18n.js";
import { withJobs } from "./job-links.js";
import { isLive, type Video } from "./job-view.js";
import { createCard } from "./parts/card.js";
import { createRequestMessage, messageFrom } from "./parts/message.js";
import { type Phase, type Texts, textsAbout } from "./texts/texts.js";
import { inputOf, type VideoInput } from "./video-input.js";
import { type WatchedVideo, watchedVideo } from "./watched-video.js";

/** Functions of the conversation that an exchange calls. */
export interface ExchangeCallbacks {
  /** The exchange has changed. */
  onChange(): void;
  /** Requests the same video again. */
  again(input: VideoInput): void;
  /** Puts the same input into the composer. */
  another(input: VideoInput): void;
  /** Announces a text to screen readers. */
  announce(text: string): void;
}

/** The job that an exchange shows. */
export interface ExchangeSubject {
  readonly watch: JobWatch<VideoJob>;
  /** The user's input, if this page knows it before the server sends it. */
  readonly input: VideoInput | undefined;
  /** Whether the user may cancel the job. */
  readonly isOwn: boolean;
}

/** One requested video: the user's message, and the card that answers it. */
export interface Exchange {
  readonly jobId: string;
  readonly element: HTMLElement;
  /** The present state of the job. */
  readonly state: WatchedVideo;
  render(): void;
  /** Tries to connect at once. */
  check(): void;
  /** Moves the focus to the headline. */
  focus(): void;
}

/** The time between two renderings of a live job without an event: the time without news is counted in seconds. */
const TICK_MS = 1000;

/** Shows a job for the lifetime of the page. */
export function createExchange(
  subject: ExchangeSubject,
  i18n: I18n,
  callbacks: ExchangeCallbacks,
): Exchange {
  const { watch, isOwn } = subject;
  const currentInput = (): VideoInput | undefined =>
    inputOf(watch.getSnapshot().job) ?? subject.input;
  const withInput = (callback: (input: VideoInput) => void) => () => {
    const input = currentInput();
    if (input !== undefined) callback(input);
  };
  const card = createCard({
    cancel: async () => void (await watch.cancel()),
    again: withInput(callbacks.again),
    another: withInput(callbacks.another),
    copyLink: () => navigator.clipboard.writeText(withJobs(location.href, [watch.jobId])),
  });
  const request = createRequestMessage();
  const answer = messageFrom("assistant", [card.element]);
  const element = el("section", { class: "exchange" }, [request.element, answer.element]);
  const announceChanges = createChangeAnnouncer(
    () => textsAbout(subject, i18n.texts),
    callbacks.announce,
  );
  const currentState = watchedVideo(watch);
  let tick: ReturnType<typeof setTimeout> | undefined;

  function render(): void {
    const { log } = watch.getSnapshot();
    const state = currentState();
    const texts = textsAbout(subject, i18n.texts);
    const input = currentInput();
    request.render(input, i18n.language, texts);
    answer.name.textContent = texts.assistant;
    card.render({ ...state, log, input, isOwn, texts });
    announceChanges(state.video, state.phase);
    if (isLive(state.phase)) tick ??= setTimeout(rerender, TICK_MS);
  }

  function rerender(): void {
    clearTimeout(tick);
    tick = undefined;
    render();
    callbacks.onChange();
  }

  watch.subscribe(rerender);

  return {
    jobId: watch.jobId,
    element,
    get state() {
      return currentState();
    },
    render,
    check: () => watch.refresh(),
    focus: () => element.querySelector<HTMLElement>(".card-headline")?.focus(),
  };
}

/** Announces each step that begins and the end to screen readers, except those from before the page was opened. */
function createChangeAnnouncer(
  currentTexts: () => Texts,
  announce: (text: string) => void,
): (video: Video | undefined, phase: Phase) => void {
  let last: { readonly phase: Phase; readonly step: Video["step"] } | undefined;
  return (video, phase) => {
    const before = last;
    if (video === undefined) return;
    last = { phase, step: video.step };
    if (before === undefined) return;
    const texts = currentTexts();
    const topic = video.metadata.title ?? video.metadata.topic ?? "";
    if (before.phase !== phase && !(isLive(phase) && phase !== "stale"))
      announce(texts.saysEnd(topic, texts.headline[phase]));
    else if (before.step !== video.step && video.step !== null)
      announce(texts.saysStep(topic, texts.steps[video.step]));
  };
}
