/** The longest that a timer can wait: one that shall wait longer goes off at once. */
export const LONGEST_MS = 2_147_483_647;

/**
 * Gives a promise's result, or gives up on it: a connection that was cut without a word never answers.
 *
 * @throws after `ms`; what the promise brings later is lost.
 */
export async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`There was no answer for ${ms} ms.`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
