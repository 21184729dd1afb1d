/** Where jobs are created. */
export const CREATE_PATH = "/api/chat/create-video";
/** Where the progress of jobs is told: the base of the protocol's paths. */
export const PROGRESS_PATH = "/api/video-progress";
/** What can be chosen. */
export const OPTIONS_PATH = "/api/options";
/** The second page, which takes the client by a script tag. */
export const PLAIN_PATH = "/plain";
/** The client as one script. */
export const SCRIPT_PATH = "/progress.global.js";

/** The addresses of one job. They are relative to the host, so that a proxy may give it any name. */
export interface VideoAddresses {
  readonly events: string;
  readonly status: string;
  readonly file: string;
  readonly poster: string;
  /** Of the preview at a frame: each has its own, so that no cache shows an old one. */
  preview(frame: number): string;
}

/** Where to find what belongs to a job. */
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
