import type { LogLine } from "@emlinh/progress-client";
import { el, setAttribute, setText } from "../dom.js";
import { icon } from "../icons.js";
import type { Texts } from "../texts/texts.js";

const MAX_WARNINGS = 3;

/**
 * The job's log. All lines are in a disclosure, the newest one is beside its title, and warnings are always visible.
 * A single line needs no disclosure. The box has the height of one line from the beginning.
 */
export function createLog(): {
  readonly element: HTMLElement;
  render(lines: readonly LogLine[], texts: Texts): void;
} {
  const title = el("span", { class: "log-title" });
  const newest = el("span", { class: "log-newest" });
  const list = el("ol", { class: "log-lines" });
  const dropped = el("p", { class: "log-dropped" });
  dropped.hidden = true;
  const warnings = el("ul", { class: "log-warnings" });
  warnings.hidden = true;
  const details = el("details", { class: "log" }, [
    el("summary", {}, [icon("chevron"), title, newest]),
    dropped,
    list,
  ]);
  const only = el("p", { class: "log-only" });
  const element = el("div", { class: "log-box" }, [warnings, only, details]);
  // The lines appear below the summary, where the composer may cover them.
  details.addEventListener("toggle", () => {
    if (details.open) element.scrollIntoView({ block: "nearest" });
  });
  const rows = new Map<number, HTMLElement>();
  let shown: readonly LogLine[] | undefined;

  return {
    element,
    render(lines, texts) {
      setText(title, texts.logTitle(lines.at(-1)?.n ?? 0));
      const older = (lines[0]?.n ?? 1) - 1;
      dropped.hidden = older === 0;
      setText(dropped, older === 0 ? "" : texts.logDropped(older));
      if (lines === shown) return;
      shown = lines;
      const hasMore = lines.length + older > 1;
      details.hidden = !hasMore;
      only.hidden = hasMore || (lines.length === 1 && lines[0]?.level !== "info");
      setText(only, hasMore ? "" : (lines[0]?.text ?? ""));
      setAttribute(element, "data-empty", lines.length === 0);
      setText(newest, lines.at(-1)?.text ?? "");
      syncRows(list, rows, lines);
      const warned = lines.filter(({ level }) => level !== "info").slice(-MAX_WARNINGS);
      warnings.hidden = warned.length === 0;
      warnings.replaceChildren(...warned.map(warningRow));
    },
  };
}

/** Adds rows for new lines and removes those of lines that are no longer kept. Other rows stay unchanged. */
function syncRows(
  list: HTMLElement,
  rows: Map<number, HTMLElement>,
  lines: readonly LogLine[],
): void {
  const kept = new Set(lines.map(({ n }) => n));
  for (const [n, row] of rows) {
    if (kept.has(n)) continue;
    row.remove();
    rows.delete(n);
  }
  for (const line of lines) {
    if (rows.has(line.n)) continue;
    const row = logRow(line);
    rows.set(line.n, row);
    list.append(row);
  }
}

function logRow(line: LogLine): HTMLElement {
  const at = new Date(line.at);
  const time = el("time", { text: at.toTimeString().slice(0, 8) });
  time.dateTime = at.toISOString();
  const row = el("li", {}, [time, el("span", { text: line.text })]);
  row.dataset.level = line.level;
  return row;
}

function warningRow(line: LogLine): HTMLElement {
  const row = el("li", {}, [icon("alert"), el("span", { text: line.text })]);
  row.dataset.level = line.level;
  return row;
}
