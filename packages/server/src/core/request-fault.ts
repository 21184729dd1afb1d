import { isProgressError, type ProgressError } from "@emlinh/progress-protocol";

/** The errors whose messages tell a client about its own request. */
const faults = new WeakSet<ProgressError>();

/**
 * Runs a part that looks at a request alone. The messages of its errors hold no text of the app or of a store, so they
 * may be sent to the client (P42).
 *
 * @throws the error of `read`.
 */
export function aboutRequest<Result>(read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    if (isProgressError(error)) faults.add(error);
    throw error;
  }
}

/** Whether an error came from {@link aboutRequest}. */
export function isAboutRequest(error: ProgressError): boolean {
  return faults.has(error);
}
