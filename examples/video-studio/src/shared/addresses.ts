/** The path to which videos are posted. */
export const CREATE_PATH = "/api/chat/create-video";
/** The base path of the progress protocol. */
export const PROGRESS_PATH = "/api/video-progress";
/** The session of this browser. */
export const SESSION_PATH = "/api/session";
/** The options of a video. */
export const OPTIONS_PATH = "/api/options";
/** The page that loads the client with a script tag. */
export const PLAIN_PATH = "/plain";
/** The client as one script. */
export const SCRIPT_PATH = "/progress.global.js";

/** The addresses of one job. They have no host, so they are valid behind any proxy. */
export interface VideoAddresses {
  readonly events: string;
  readonly status: string;
  readonly file: string;
  readonly poster: string;
  /** The preview of a frame. Each frame has its own address, so no cache shows an old one. */
  preview(frame: number): string;
}

/** The addresses of a job. */
export function addressesOf(jobId: string): VideoAddresses {
  const video = `/api/videos/${jobId}`;
  return {
    events: `${PROGRESS_PATH}/${jobId}`,
    status: `${PROGRESS_PATH}/${jobId}/status`,
    file: `${video}/file`,
    poster: `${video}/poster`,
    preview: (frame) => `${video}/preview?f=${frame}`,
  };
}
