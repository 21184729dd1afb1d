import { MAX_CHANGE_BYTES, ProgressError } from "@emlinh/progress-protocol";
import { aboutRequest } from "../request-fault.js";
import { readUpdate, type WorkerUpdate } from "../worker-reports.js";
import type { BodyLimits, RequestFacts } from "./types.js";

/** The most bytes of a report. JSON of some languages escapes each character that is not ASCII, as six bytes. */
const MAX_BODY_BYTES = 2 * MAX_CHANGE_BYTES;

/**
 * Reads the body of a report.
 *
 * @param timeoutMs - The time that the whole body may take.
 * @throws ProgressError `unsupported-media-type`, `invalid-request`, `invalid-change`, `too-large`,
 * `request-timed-out`; `closed` if the client has left.
 */
export async function readReport(facts: RequestFacts, timeoutMs: number): Promise<WorkerUpdate> {
  const type = facts.header("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/json") throw unsupportedType();
  const text = await facts.body?.({ maxBytes: MAX_BODY_BYTES, timeoutMs });
  if (text === undefined) return refuseReadBody();
  return aboutRequest(() => readUpdate(parsed(text)));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed("The body is not JSON in UTF-8.", cause);
  }
}

/** Collects the bytes of a body. Beyond the bound they are counted and dropped. */
export interface BodyCollector {
  add(chunk: Uint8Array): void;
  /**
   * The whole body.
   *
   * @throws ProgressError `too-large`; `invalid-request` if it is not UTF-8.
   */
  text(): string;
}

/** Starts without a byte. */
export function collectBody({ maxBytes }: BodyLimits): BodyCollector {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let bytes = 0;
  let collected = "";
  let fault: unknown;

  function decode(chunk?: Uint8Array): void {
    if (bytes > maxBytes || fault !== undefined) return;
    try {
      collected += decoder.decode(chunk, { stream: chunk !== undefined });
    } catch (cause) {
      fault = cause;
    }
  }

  return {
    add(chunk) {
      bytes += chunk.length;
      decode(chunk);
    },
    text() {
      decode();
      return aboutRequest(() => {
        if (bytes > maxBytes) throw tooLarge(maxBytes);
        if (fault !== undefined) throw malformed("The body is not JSON in UTF-8.", fault);
        return collected;
      });
    },
  };
}

/** The whole body did not arrive in time. */
export function bodyTimedOut({ timeoutMs }: BodyLimits): ProgressError {
  return new ProgressError("request-timed-out", {
    message: `The body of the request did not arrive within ${timeoutMs} ms.`,
    retryable: true,
    status: 408,
  });
}

/**
 * Refuses a body that other code has read, and left nothing of.
 *
 * @throws ProgressError `invalid-request`
 */
export function refuseReadBody(): never {
  return aboutRequest(() => {
    throw malformed("Other code has read the body. Serve progress before that code.");
  });
}

function unsupportedType(): ProgressError {
  return new ProgressError("unsupported-media-type", {
    message: "A report is sent as application/json.",
    status: 415,
  });
}

function tooLarge(maxBytes: number): ProgressError {
  return new ProgressError("too-large", {
    message: `The body takes more than ${maxBytes} bytes. Send several reports, or store the data elsewhere.`,
    status: 413,
  });
}

function malformed(message: string, cause?: unknown): ProgressError {
  return new ProgressError("invalid-request", { message, status: 400, cause });
}
