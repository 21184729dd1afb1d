import { storeClosed } from "../../shared/errors.js";

/** Whether a store is open. */
export interface OpenState {
  /** Makes a method of the store that rejects with `closed` after {@link OpenState.close}. */
  whenOpen<Args extends readonly unknown[], Result>(
    run: (...args: Args) => Result | Promise<Result>,
  ): (...args: Args) => Promise<Result>;
  close(): void;
}

/** The state of a store that is open. */
export function openState(): OpenState {
  let isOpen = true;
  return {
    whenOpen:
      (run) =>
      async (...args) => {
        if (!isOpen) throw storeClosed();
        return run(...args);
      },
    close() {
      isOpen = false;
    },
  };
}
