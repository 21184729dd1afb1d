import type { JsonObject } from "@emlinh/progress-protocol";
import {
  type Address,
  failure,
  isTemporary,
  minimumWaitMs,
  type RequestFailure,
} from "../../transports/failure.js";
import { parseJson, stringOf } from "../../transports/json.js";

/**
 * The failure of a response of the app's own route, which has its own codes: `refused` with the members of the body in
 * its `details`. A status of 5xx without a code came from something between the client and the route.
 */
export async function appRefusal(response: Response, { url }: Address): Promise<RequestFailure> {
  const { status, headers } = response;
  const body = parseJson(await response.text());
  const floorMs = minimumWaitMs(headers, body);
  const answered = `${url} answered with status ${status}.`;
  const isOfApp = stringOf(body, "code", "") !== "" || (status >= 400 && status < 500);
  if (!isOfApp) return failure(answered, { status, floorMs });
  const message = stringOf(body, "detail", "") || stringOf(body, "message", "") || answered;
  const details = { ...(isObject(body) && body), status };
  return failure(message, {
    code: "refused",
    status,
    details,
    floorMs,
    retryable: isTemporary(status),
  });
}

function isObject(json: unknown): json is JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
