import { invalidOption } from "../transports/invalid-option.js";

/** The platform's `fetch` at the moment of the call. A browser's own must not be called as a method. */
export function platformFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  if (typeof fetch === "undefined")
    throw invalidOption("fetch", undefined, "a function, because this platform has no fetch");
  return fetch(input, init);
}

/**
 * The first part that is missing to read a response while it arrives, as in React Native; `undefined` if all are there.
 *
 * @param isOwnFetch - Whether `fetch` is the app's own: its responses may have what the platform's do not have.
 */
export function missingForStreams(isOwnFetch: boolean): string | undefined {
  if (typeof TextDecoder === "undefined") return "TextDecoder";
  const hasBody = isOwnFetch || typeof Response === "undefined" || "body" in Response.prototype;
  return hasBody ? undefined : "Response.body";
}
