import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
} from "@nestjs/common";

/** A request that the guard has let through. */
export interface UserRequest extends IncomingMessage {
  user?: string | undefined;
}

/** A response of Express or Fastify, as far as it is used here. */
interface AnyResponse {
  readonly raw?: ServerResponse;
  header(name: string, value: string): unknown;
}

/** Tells who sends a request. Whether this user may watch a job is decided by `authorize`. */
@Injectable()
export class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const request = http.getRequest<UserRequest>();
    request.user = userOf(request.headers.authorization);
    if (request.user !== undefined) return true;
    // With this type and this code the client takes the refusal as final, and does not try again.
    http.getResponse<AnyResponse>().header("content-type", "application/problem+json");
    throw new UnauthorizedException({
      type: "about:blank",
      title: "Not authenticated",
      status: 401,
      detail: "Send the header Authorization: Bearer USER.",
      code: "not-authenticated",
    });
  }
}

/** An app checks a session or a token here. In this example everybody who gives a name is that user. */
function userOf(authorization = ""): string | undefined {
  return /^Bearer (\w+)$/.exec(authorization)?.[1];
}
