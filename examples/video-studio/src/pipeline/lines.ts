import type { Readable } from "node:stream";

/** Calls `onLine` with each line of a text stream, including a last one without a line feed. Skips empty lines. */
export function splitLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = "";
  const emit = (line: string): void => {
    const trimmed = line.trimEnd();
    if (trimmed !== "") onLine(trimmed);
  };
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(emit);
  });
  stream.on("end", () => emit(rest));
  // The exit of the process is watched elsewhere, so the error of its pipe adds nothing.
  stream.on("error", () => undefined);
}
