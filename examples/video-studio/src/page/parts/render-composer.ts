import { MAX_BATCH } from "../../shared/session.js";
import { setAttribute, setHidden, setText } from "../dom.js";
import type { Texts } from "../texts/texts.js";
import { charactersLeft, isTooLong, type Request } from "./composer-request.js";
import type { ComposerView } from "./composer-view.js";
import type { SenderState } from "./sender.js";

/** The state of the composer. */
export interface ComposerState {
  readonly texts: Texts;
  /** The chosen options as one line of text. */
  readonly summary: string;
  readonly request: Request;
  readonly sending: SenderState;
  /** The batch that is being sent. */
  readonly batch: { readonly sent: number; readonly total: number } | undefined;
}

/** From this number on, the number of characters that are left is shown. */
const COUNTED_FROM = 100;

/** Shows a state in the elements of the composer. */
export function renderComposer(view: ComposerView, state: ComposerState): void {
  const { texts, request, sending, batch } = state;
  const isSending = sending.isSending || batch !== undefined;
  const tooLong = isTooLong(request);
  setText(view.label, texts.topicLabel);
  setText(view.toggleText, texts.options);
  setText(view.summary, state.summary);
  setText(view.counter, countText(request, texts));
  setAttribute(view.counter, "data-over", tooLong);
  setAttribute(view.topic, "aria-invalid", tooLong ? "true" : false);
  setText(view.sendText, sendText(state));
  setAttribute(view.send, "aria-disabled", isSending || tooLong ? "true" : false);
  setAttribute(view.element, "data-sending", isSending);
  view.status.render(sending, texts);
  renderLines(view, state, isSending);
}

/** The parts that differ if each line is a video. */
function renderLines(
  view: ComposerView,
  { texts, request, sending }: ComposerState,
  isSending: boolean,
): void {
  const { isBatch, lines } = request;
  view.topic.placeholder = isBatch ? texts.batchPlaceholder(MAX_BATCH) : texts.topicPlaceholder;
  setAttribute(view.topic, "enterkeyhint", isBatch ? "enter" : "send");
  setAttribute(view.topic, "rows", isBatch ? 3 : 1);
  setText(view.hint, isBatch ? texts.batchKeysHint : texts.keysHint);
  const count = isBatch && lines > 0 ? ` · ${lines}` : "";
  setText(view.linesText, `${texts.batchToggle}${count}`);
  setAttribute(view.lines, "title", texts.batchToggle);
  setAttribute(view.lines, "aria-pressed", isBatch ? "true" : "false");
  const isOffered = !isBatch && lines > 1 && !isSending && sending.message === undefined;
  setText(view.offer.text, isOffered ? texts.batchOffer(lines) : "");
  setText(view.offer.accept, texts.sendBatch(lines));
  setHidden(view.offer.element, !isOffered, view.topic);
}

function sendText({ texts, request, sending, batch }: ComposerState): string {
  if (batch !== undefined) return texts.sendingBatch(batch.sent, batch.total);
  if (sending.isSending) return texts.sending;
  const { isBatch, topics } = request;
  return isBatch && topics.length > 1 ? texts.sendBatch(topics.length) : texts.send;
}

/** The lines that are too many, or the number of characters that are left. Empty if many are left. */
function countText(request: Request, texts: Texts): string {
  const { length } = request.topics;
  if (length > MAX_BATCH) return texts.batchOver(length, MAX_BATCH);
  const left = charactersLeft(request);
  if (left > COUNTED_FROM) return "";
  return left < 0 ? texts.charactersOver(-left) : texts.charactersLeft(left);
}
