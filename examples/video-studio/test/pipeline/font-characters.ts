import { readFileSync } from "node:fs";

/** The code points for which a TrueType font has a glyph: the format 4 of its table `cmap`. */
export function codePointsIn(file: string): ReadonlySet<number> {
  const bytes = readFileSync(file);
  const table = subtableOf(bytes);
  const segments = bytes.readUInt16BE(table + 6) / 2;
  const points = new Set<number>();
  for (let segment = 0; segment < segments; segment += 1) {
    const [end = 0, start = 0, delta = 0, range = 0] = [14, 16, 16, 16].map((skip, part) =>
      bytes.readUInt16BE(table + skip + (part * segments + segment) * 2),
    );
    const rangeAt = table + 16 + (3 * segments + segment) * 2;
    for (let point = start; point <= end && point < 0xffff; point += 1) {
      const glyph =
        range === 0
          ? (point + delta) & 0xffff
          : bytes.readUInt16BE(rangeAt + range + (point - start) * 2);
      if (glyph !== 0) points.add(point);
    }
  }
  return points;
}

function subtableOf(bytes: Buffer): number {
  const tables = Array.from({ length: bytes.readUInt16BE(4) }, (_, n) => 12 + n * 16);
  const entry = tables.find((at) => bytes.toString("latin1", at, at + 4) === "cmap");
  if (entry === undefined) throw new Error("The font has no table cmap.");
  const cmap = bytes.readUInt32BE(entry + 8);
  const subtables = Array.from(
    { length: bytes.readUInt16BE(cmap + 2) },
    (_, n) => cmap + bytes.readUInt32BE(cmap + 8 + n * 8),
  );
  const subtable = subtables.find((at) => bytes.readUInt16BE(at) === 4);
  if (subtable === undefined) throw new Error("The font has no cmap of format 4.");
  return subtable;
}
