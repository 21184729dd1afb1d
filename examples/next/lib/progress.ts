import { allowAnyone, createProgress, memoryStore, singleton } from "@emlinh/progress-server";

/** Next.js evaluates this module several times in one process: for actions, for routes, and after changes. */
export const progress = singleton("progress", () => {
  const made = createProgress({ store: memoryStore(), authorize: allowAnyone });
  // `next start` waits for open streams before it exits.
  process.once("SIGTERM", () => void made.drain());
  return made;
});
