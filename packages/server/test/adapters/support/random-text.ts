/** A text that gzip can not make much shorter. */
export function randomText(length: number): string {
  const chunks: string[] = [];
  for (let made = 0; made < length; made += 65_536) {
    chunks.push(Buffer.from(crypto.getRandomValues(new Uint8Array(49_152))).toString("base64"));
  }
  return chunks.join("").slice(0, length);
}
