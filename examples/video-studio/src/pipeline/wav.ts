const HEADER_BYTES = 44;

/** Encodes mono 16-bit samples as a RIFF/WAVE file, little-endian on every machine. */
export function encodeWav(samples: Int16Array, sampleRate: number): Uint8Array {
  const dataBytes = samples.length * 2;
  const bytes = new Uint8Array(HEADER_BYTES + dataBytes);
  const view = new DataView(bytes.buffer);
  const text = (at: number, letters: string): void => {
    for (let n = 0; n < letters.length; n += 1) view.setUint8(at + n, letters.charCodeAt(n));
  };
  text(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + dataBytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true); // size of the format chunk in bytes
  view.setUint16(20, 1, true); // format: uncompressed
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, sampleRate * 2, true); // bytes per second
  view.setUint16(32, 2, true); // bytes per sample of all channels
  view.setUint16(34, 16, true); // bits per sample
  text(36, "data");
  view.setUint32(40, dataBytes, true);
  for (let n = 0; n < samples.length; n += 1)
    view.setInt16(HEADER_BYTES + n * 2, samples[n] ?? 0, true);
  return bytes;
}
