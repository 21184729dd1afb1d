import type { Surface } from "./surface.js";

/** Breaks a text into lines that fit. If it needs more than `maxLines`, the last line ends with an ellipsis. */
export function wrapText(
  surface: Surface,
  text: string,
  maxWidth: number,
  maxLines: number,
): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/u)) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || surface.measureText(longer).width <= maxWidth) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);
  const shown = lines.slice(0, maxLines);
  if (lines.length > maxLines) shown[maxLines - 1] = `${shown[maxLines - 1]}…`;
  return shown.map((one) => fitText(surface, one, maxWidth));
}

/** The text if it fits, else its beginning with an ellipsis. */
export function fitText(surface: Surface, text: string, maxWidth: number): string {
  if (surface.measureText(text).width <= maxWidth) return text;
  const letters = [...text.replace(/…$/u, "")];
  while (
    letters.length > 1 &&
    surface.measureText(`${letters.join("").trimEnd()}…`).width > maxWidth
  )
    letters.pop();
  return `${letters.join("").trimEnd()}…`;
}
