import { parseCursor } from "@emlinh/progress-protocol";
import type { ProgressStore } from "../../../src/core/store.js";

/** A store that renames the epochs of its jobs. */
export function epochs(name: (real: string) => string) {
  return (right: ProgressStore): Partial<ProgressStore> => {
    const real = new Map<string, string>();
    const out = (id: string, cursor: string): string => {
      const { epoch, version } = parseCursor(cursor) ?? { epoch: "", version: 0 };
      real.set(id, epoch);
      return `${name(epoch)}.${version}`;
    };
    return {
      async create(draft) {
        const created = await right.create(draft);
        return { ...created, cursor: out(created.jobId, created.cursor) };
      },
      async write(id, change) {
        const { cursor, now } = await right.write(id, change);
        return { cursor: out(id, cursor), now };
      },
      async read(id, after) {
        const epoch = real.get(id) ?? "";
        const known = after?.startsWith(`${name(epoch)}.`)
          ? `${epoch}${after.slice(after.lastIndexOf("."))}`
          : after;
        const delta = await right.read(id, known);
        return delta && { ...delta, cursor: out(id, delta.cursor) };
      },
    };
  };
}
