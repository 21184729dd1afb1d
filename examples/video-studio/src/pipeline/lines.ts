import type { Readable } from "node:stream";

/** Calls back with each line of a text stream, the last one too if it is not closed by a line feed. Empty ones are left out. */
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
  // The process that writes to it is watched; that its pipe broke adds nothing.
  stream.on("error", () => undefined);
}
