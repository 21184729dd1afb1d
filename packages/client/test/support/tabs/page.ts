import type { PageEvent } from "@emlinh/progress-client";

/** A page of a simulated browser. Its tasks wait while it is suspended, and are gone once it is closed. */
export interface SimulatedPage {
  readonly name: string;
  readonly isGone: boolean;
  readonly isSuspended: boolean;
  /** Runs a task of the page now, or when it goes on. */
  run(task: () => void): void;
  /** Stops all tasks without an event, as a debugger does. */
  suspend(): void;
  /** Runs the tasks that waited. */
  resume(): void;
  /** The page is gone, without an event of it. */
  crash(): void;
  /** Sends an event to the library. */
  emit(event: PageEvent): void;
  /** The option `page`. */
  readonly page: (listener: (event: PageEvent) => void) => () => void;
}

/** @param onGone - Called when the page has gone. */
export function simulatedPage(name: string, onGone: (page: SimulatedPage) => void): SimulatedPage {
  const waiting: (() => void)[] = [];
  const listeners = new Set<(event: PageEvent) => void>();
  let isGone = false;
  let isSuspended = false;
  const page: SimulatedPage = {
    name,
    get isGone() {
      return isGone;
    },
    get isSuspended() {
      return isSuspended;
    },
    run(task) {
      if (isGone) return;
      if (isSuspended) waiting.push(task);
      else task();
    },
    suspend() {
      isSuspended = true;
    },
    resume() {
      isSuspended = false;
      for (const task of waiting.splice(0)) page.run(task);
    },
    crash() {
      isGone = true;
      waiting.length = 0;
      onGone(page);
    },
    emit(event) {
      page.run(() => {
        for (const listener of [...listeners]) listener(event);
      });
    },
    page(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return page;
}
