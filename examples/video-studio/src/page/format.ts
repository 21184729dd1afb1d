import type { Texts } from "./texts/texts.js";

/** A duration: `< 0.1 s`, `6.2 s` below a minute, `1 min 5 s` from a minute. */
export function durationText(durationMs: number, texts: Texts): string {
  if (durationMs < 50) return `< ${texts.seconds(decimal(0.1, texts.locale))}`;
  const seconds = durationMs / 1000;
  if (seconds < 59.95) return texts.seconds(decimal(seconds, texts.locale));
  const whole = Math.round(seconds);
  return texts.minutes(Math.floor(whole / 60), whole % 60);
}

/**
 * The remaining time, rounded to a second below 20 s and to 5 s above, because the estimate is not more precise.
 * `undefined` if it is not known.
 */
export function remainingText(etaMs: number | null, texts: Texts): string | undefined {
  if (etaMs === null) return undefined;
  const seconds = Math.ceil(etaMs / 1000);
  if (seconds <= 2) return texts.almostDone;
  const rounded = seconds < 20 ? seconds : Math.round(seconds / 5) * 5;
  return texts.remaining(wholeSecondsText(rounded, texts));
}

/** A duration without decimals: `15 s` below a minute, `1 min 5 s` from a minute. */
export function wholeSecondsText(seconds: number, texts: Texts): string {
  return seconds < 60
    ? texts.seconds(String(seconds))
    : texts.minutes(Math.floor(seconds / 60), seconds % 60);
}

/** A percent, rounded down: 99 until the job is completed. */
export function percentText(percent: number | null): string {
  return percent === null ? "…" : `${Math.floor(percent)}%`;
}

/** The length of a video as players show it, rounded down: `0:09`, `1:05`. */
export function clockText(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** The time of an earlier event: the hour on the same day, otherwise with the date. Milliseconds since the epoch. */
export function whenText(at: number, now: number, { locale }: Texts): string {
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "short" });
  const isToday = day.format(at) === day.format(now);
  const style = isToday ? {} : ({ dateStyle: "short" } as const);
  return new Intl.DateTimeFormat(locale, { ...style, timeStyle: "short" }).format(at);
}

/** The size of a file: `840 KB`, `1.2 MB`. */
export function sizeText(bytes: number, texts: Texts): string {
  if (bytes < 999_500) return `${Math.max(1, Math.round(bytes / 1000))} KB`;
  return `${decimal(bytes / 1_000_000, texts.locale)} MB`;
}

/** A count such as `120/249 frames`, or `undefined` if the step counts nothing. */
export function countText(
  step: { readonly done?: number; readonly total?: number; readonly unit?: string },
  texts: Texts,
): string | undefined {
  if (step.done === undefined || step.total === undefined) return undefined;
  const unit = step.unit === undefined ? "" : (texts.units[step.unit] ?? step.unit);
  return `${step.done}/${step.total} ${unit}`.trimEnd();
}

function decimal(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }).format(value);
}
