import { el } from "../dom.js";
import type { Texts } from "../texts/texts.js";
import type { WatchedVideo } from "../watched-video.js";
import { createVideoRow, type RowCallbacks, type VideoRow } from "./video-row.js";

/** A list of videos. Each row keeps its element while the list changes, so it keeps the focus too. */
export interface VideoRows {
  readonly element: HTMLElement;
  render(videos: readonly WatchedVideo[], texts: Texts): void;
}

/** Creates an empty list. @param fallback - Gets the focus if the last row is removed while it has the focus. */
export function createVideoRows(callbacks: RowCallbacks, fallback: HTMLElement): VideoRows {
  const rows = new Map<string, VideoRow>();
  const element = el("ol", { class: "rows" });

  function removeOthers(ids: ReadonlySet<string>): void {
    for (const [id, row] of rows) {
      if (ids.has(id)) continue;
      const hadFocus = row.element.contains(document.activeElement);
      const next = row.element.nextElementSibling ?? row.element.previousElementSibling;
      row.element.remove();
      rows.delete(id);
      if (!hadFocus) continue;
      const neighbour = [...rows.values()].find((other) => other.element === next);
      if (neighbour === undefined) fallback.focus();
      else neighbour.focus();
    }
  }

  return {
    element,
    render(videos, texts) {
      removeOthers(new Set(videos.map(({ video }) => video?.id ?? "")));
      let place = element.firstElementChild;
      for (const watched of videos) {
        const id = watched.video?.id ?? "";
        const row = rows.get(id) ?? createVideoRow(id, callbacks);
        rows.set(id, row);
        // A row that is in its place is not moved, because that would take the focus from it.
        if (place === row.element) place = place.nextElementSibling;
        else element.insertBefore(row.element, place);
        row.render(watched, texts);
      }
    },
  };
}
