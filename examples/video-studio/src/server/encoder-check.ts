import { VideoError } from "../pipeline/errors.js";
import { locateFfmpeg } from "../pipeline/ffmpeg-locate.js";
import type { VideoJobs } from "./video-jobs.js";

/** Options of {@link refuseWithoutEncoder}. */
export interface EncoderCheckOptions {
  /** The workers' environment. @defaultValue this process's environment */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Called with messages for the operator, which may contain paths. */
  readonly onNotice: (notice: string) => void;
}

/**
 * Refuses orders while this machine has no encoder, so that no job is created that can only fail. Once an encoder was
 * found, it is not looked for again.
 */
export function refuseWithoutEncoder(jobs: VideoJobs, options: EncoderCheckOptions): VideoJobs {
  const { env, onNotice } = options;
  let isFound = false;

  async function findEncoder(): Promise<void> {
    try {
      await locateFfmpeg(env);
      isFound = true;
    } catch (error) {
      if (!(error instanceof VideoError)) throw error;
      onNotice(`A video was refused (${error.code}): ${error.details ?? error.message}`);
    }
  }

  return {
    ...jobs,
    async create(order) {
      if (!isFound) await findEncoder();
      return isFound ? jobs.create(order) : { refused: "ffmpeg-missing" };
    },
  };
}
