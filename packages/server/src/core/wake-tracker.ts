/** The wakes of a store since the last read began. */
export interface WakeTracker {
  /**
   * Notes a wake: with the version that was written, or without one if the store does not know it. A value that is no
   * version counts as none.
   */
  note(version?: number): void;
  /** Forgets what was noted. Call it when a read begins, since that read returns all of it. */
  clear(): void;
  /** Whether a version above this one was noted. */
  isAbove(version: number): boolean;
  /** Whether a wake without a version was noted, so that there may be any new version. */
  isUnknown(): boolean;
}

/** Starts with nothing noted. */
export function wakeTracker(): WakeTracker {
  let highest = 0;
  let isUnknown = false;
  return {
    note(version) {
      // Versions begin at 1.
      if (version !== undefined && Number.isSafeInteger(version) && version > 0)
        highest = Math.max(highest, version);
      else isUnknown = true;
    },
    clear() {
      highest = 0;
      isUnknown = false;
    },
    isAbove: (version) => highest > version,
    isUnknown: () => isUnknown,
  };
}
