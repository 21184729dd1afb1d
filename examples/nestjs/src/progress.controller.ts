import type { IncomingMessage, ServerResponse } from "node:http";
import { type NodeProgress, nodeProgress } from "@emlinh/progress-server/adapters/node";
import { All, Controller, Inject, Req, Res, UseGuards } from "@nestjs/common";
import { type AppProgress, PROGRESS } from "./progress.module.js";
import { UserGuard } from "./user.guard.js";

/** A request of Express, or one of Fastify, which has the request of Node as `raw`. */
type AnyRequest = IncomingMessage & {
  readonly raw?: IncomingMessage;
  readonly body?: unknown;
  readonly user?: string;
};
type AnyResponse = ServerResponse & { readonly raw?: ServerResponse; hijack?(): void };

const PATH = "api/progress";

/** Serves the progress of all jobs. As a controller, it runs behind the guards of Nest. */
@Controller(PATH)
@UseGuards(UserGuard)
export class ProgressController {
  private readonly serve: NodeProgress;

  constructor(@Inject(PROGRESS) progress: AppProgress) {
    this.serve = nodeProgress(progress, { base: `/${PATH}` });
  }

  @All([":jobId", ":jobId/:action"])
  answer(@Req() request: AnyRequest, @Res() response: AnyResponse): void {
    // Fastify leaves the response to other code after this.
    response.hijack?.();
    this.serve(nodeRequestOf(request), response.raw ?? response);
  }
}

/** The request of Node, with the user and the body, which Fastify keeps on an object of its own. */
function nodeRequestOf(request: AnyRequest): IncomingMessage {
  const { raw, user, body } = request;
  return raw ? Object.assign(raw, { user, body }) : request;
}
