/** Scheme, host and port. A scheme of an app (`capacitor:`) is allowed, user names and paths are not. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\,]+$/i;

/** A host with an optional port, as the header `Host` has it. */
const HOST = /^[^\s/?#@\\,]+$/;

/**
 * Writes an origin in its one normal form: lower case, without the default port of its scheme.
 *
 * @returns `undefined` if the text is not one origin: `null`, a list, a URL with a path.
 */
export function normalOrigin(text: string): string | undefined {
  if (!ORIGIN.test(text)) return undefined;
  const url = parsed(text);
  // A URL with a scheme of an app has no `origin`, and its host keeps its case.
  return url && `${url.protocol}//${url.host}`.toLowerCase();
}

/**
 * Whether an origin of the web is the host that a request was sent to. The scheme is not compared: behind a proxy that
 * ends TLS, the server does not know it.
 *
 * @param host - The value of the header `Host`.
 */
export function isOriginOf(origin: string, host: string | undefined): boolean {
  const normal = normalOrigin(origin);
  if (normal === undefined || host === undefined || !HOST.test(host)) return false;
  const url = parsed(normal);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return false;
  // The scheme of the origin gives the port that a host without one stands for.
  return parsed(`${url.protocol}//${host}`)?.host === url.host;
}

function parsed(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}
