import type { JobWatch } from "@emlinh/progress-client";
import type { VideoJob } from "../shared/video-job.js";
import { el } from "./dom.js";
import type { Entry } from "./entry.js";
import type { I18n } from "./i18n.js";
import { type Link, withLinks } from "./job-links.js";
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
  /** The id of this browser's session, once it is known. */
  session(): string | undefined;
}

/** The time between two renderings of a live job without an event: the time without news is counted in seconds. */
const TICK_MS = 1000;

/** One requested video: the user's message, and the card that answers it. */
export function createExchange(
  subject: ExchangeSubject,
  i18n: I18n,
  callbacks: ExchangeCallbacks,
): Entry {
  const { watch } = subject;
  const link: Link = { kind: "job", id: watch.jobId };
  const { currentState, currentInput, isOwn } = readerOf(subject);
  const currentTexts = (): Texts => textsAbout({ isOwn: isOwn() }, i18n.texts);
  const withInput = (callback: (input: VideoInput) => void) => () => {
    const input = currentInput();
    if (input !== undefined) callback(input);
  };
  const card = createCard({
    cancel: async () => void (await watch.cancel()),
    again: withInput(callbacks.again),
    another: withInput(callbacks.another),
    copyLink: () => navigator.clipboard.writeText(withLinks(location.href, [link])),
  });
  const request = createRequestMessage();
  const answer = messageFrom("assistant", [card.element]);
  const element = el("section", { class: "exchange" }, [request.element, answer.element]);
  const announceChanges = createChangeAnnouncer(currentTexts, callbacks.announce);
  let tick: ReturnType<typeof setTimeout> | undefined;

  function render(): void {
    const { log } = watch.getSnapshot();
    const state = currentState();
    const texts = currentTexts();
    const input = currentInput();
    request.render(input, i18n.language, texts);
    answer.name.textContent = texts.assistant;
    card.render({ ...state, log, input, isOwn: isOwn(), texts });
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
    link,
    element,
    get states() {
      return [currentState()];
    },
    get isLoaded() {
      return currentState().video !== undefined;
    },
    render,
    check: () => watch.refresh(),
    focus: () => card.focus(),
  };
}

/** The functions that read the present state of an exchange's job. */
function readerOf({ watch, input, session }: ExchangeSubject) {
  const readState = watchedVideo(watch);
  return {
    /** Until the session is known, it is not known whose video this is. */
    currentState(): WatchedVideo {
      const state = readState();
      const isKnown = input !== undefined || session() !== undefined;
      if (isKnown || state.phase === "gone") return state;
      return { ...state, video: undefined, phase: "joining" };
    },
    currentInput: (): VideoInput | undefined => inputOf(watch.getSnapshot().job) ?? input,
    /** The server decides who may delete a video. This determines the texts and the buttons only. */
    isOwn(): boolean {
      const owner = watch.getSnapshot().job?.metadata.owner;
      return input !== undefined || (owner !== undefined && owner === session());
    },
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
