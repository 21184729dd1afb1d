/** Runs methods one after the other, which makes each of them atomic. */
export interface Turns {
  /** Runs a method after those that were called before it. */
  inTurn<Result>(method: () => Promise<Result>): Promise<Result>;
  /** Resolves when all methods have run. */
  idle(): Promise<void>;
}

export function createTurns(): Turns {
  /** Resolves when the last method has run. */
  let turn: Promise<unknown> = Promise.resolve();
  return {
    inTurn(method) {
      const result = turn.then(method);
      // The caller gets the error. The next method runs anyway.
      turn = result.catch(() => {});
      return result;
    },
    async idle() {
      await turn;
    },
  };
}
