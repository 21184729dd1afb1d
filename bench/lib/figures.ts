/** The value below which a share of the samples lies. The share is from 0 to 1. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The middle value of the samples. */
export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** A number with the digits that a reader of a table needs. */
export function round(value: number, digits = 2): string {
  return value >= 1_000
    ? Math.round(value).toLocaleString("en")
    : value.toFixed(value >= 100 ? 0 : digits);
}

/** The median of the samples, with the least and the greatest. */
export function spread(samples: readonly number[], digits = 2): string {
  const text = round(median(samples), digits);
  if (samples.length === 1) return text;
  return `${text} (${round(Math.min(...samples), digits)}–${round(Math.max(...samples), digits)})`;
}

/** The quotients of two figures of the same rounds. */
export function ratios(figures: readonly number[], to: readonly number[]): readonly number[] {
  return figures.map((figure, index) => figure / (to[index] ?? Number.NaN));
}

/** Prints a table in Markdown. */
export function printTable(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const lines = [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  process.stdout.write(`\n${title}\n\n${lines.join("\n")}\n`);
}
