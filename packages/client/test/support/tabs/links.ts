import type { SimulatedPage } from "./page.js";

/** Messages on their way. Those of one sender to one receiver arrive in order; others overtake each other. */
export interface Links {
  /** Sends a task to a page. */
  send(from: string, to: SimulatedPage, task: () => void): void;
  /** Delivers one message. @param pick - 0 inclusive to 1 exclusive: which of those that are next. */
  deliverOne(pick: number): boolean;
}

export function links(): Links {
  const queues = new Map<string, { readonly to: SimulatedPage; readonly tasks: (() => void)[] }>();
  return {
    send(from, to, task) {
      const name = `${from} ${to.name}`;
      const link = queues.get(name) ?? { to, tasks: [] };
      queues.set(name, link);
      link.tasks.push(task);
    },
    deliverOne(pick) {
      const busy = [...queues.values()].filter(({ tasks }) => tasks.length > 0);
      const link = busy[Math.floor(pick * busy.length)];
      const task = link?.tasks.shift();
      if (link && task) link.to.run(task);
      return task !== undefined;
    },
  };
}
