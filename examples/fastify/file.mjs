import { createCipheriv, createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** @typedef {{ onProgress: (bytesDone: number) => void, signal: AbortSignal }} Options */

const CHUNK_BYTES = 2 ** 20;

/**
 * Runs work with the path of a temporary file. The file is removed when the work ends or throws.
 *
 * @template Result
 * @param {(path: string) => Promise<Result>} work
 */
export async function inTemporaryFile(work) {
  const folder = await mkdtemp(join(tmpdir(), "progress-example-"));
  try {
    return await work(join(folder, "file"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/**
 * Writes a file of pseudo-random bytes. The bytes are the same each time.
 *
 * @param {string} path
 * @param {Options & { bytes: number }} options
 */
export async function writeFile(path, { bytes, onProgress, signal }) {
  async function* noise() {
    const cipher = createCipheriv("aes-128-ctr", Buffer.alloc(16), Buffer.alloc(16));
    for (let done = 0; done < bytes; ) {
      const size = Math.min(CHUNK_BYTES, bytes - done);
      yield cipher.update(Buffer.alloc(size));
      done += size;
      onProgress(done);
    }
  }
  await pipeline(noise, createWriteStream(path), { signal });
}

/**
 * Hashes a file with SHA-256.
 *
 * @param {string} path
 * @param {Options} options
 */
export async function hashFile(path, { onProgress, signal }) {
  const hash = createHash("sha256");
  let done = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES, signal })) {
    hash.update(chunk);
    done += chunk.length;
    onProgress(done);
  }
  return hash.digest("hex");
}
