/** A topic that several handles keep open. */
interface Closable {
  /** Idempotent. */
  close(): void;
}

/** Keeps a topic open for one listener. */
export interface SharedHandle<Topic> {
  readonly topic: Topic;
  /** Lets the topic go. It closes after its last handle. Idempotent. */
  leave(this: SharedHandle<Topic>): void;
}

/** Topics by key, each open while it has a handle. */
export interface SharedTopics<Topic extends Closable> {
  /** Takes a handle. The first one of a key makes the topic. */
  join(key: string, onLeft?: () => void): SharedHandle<Topic>;
  has(key: string): boolean;
  /** Calls a function with each topic, of which any may close meanwhile. */
  each(call: (topic: Topic) => void): void;
  count(): number;
}

interface Shared<Topic> {
  readonly topic: Topic;
  handles: number;
}

/** All handles share one function: there is a handle per stream. */
interface Handle<Topic> extends SharedHandle<Topic> {
  readonly shared: Shared<Topic>;
  readonly onLeft: (() => void) | undefined;
  isLeft: boolean;
}

/**
 * Starts with none.
 *
 * @param open - Makes a topic. It calls `onClosed` once when the topic is closed, by its last handle or by itself. A
 * topic that was closed may have a successor by then.
 */
export function sharedTopics<Topic extends Closable>(
  open: (key: string, onClosed: () => void) => Topic,
): SharedTopics<Topic> {
  const topics = new Map<string, Shared<Topic>>();

  function add(key: string): Shared<Topic> {
    const onClosed = (): void => {
      if (topics.get(key) === shared) topics.delete(key);
    };
    const shared: Shared<Topic> = { topic: open(key, onClosed), handles: 0 };
    topics.set(key, shared);
    return shared;
  }

  return {
    join(key, onLeft) {
      const shared = topics.get(key) ?? add(key);
      shared.handles += 1;
      const { topic } = shared;
      const handle: Handle<Topic> = { topic, shared, onLeft, isLeft: false, leave };
      return handle;
    },
    has: (key) => topics.has(key),
    each(call) {
      for (const { topic } of [...topics.values()]) call(topic);
    },
    count: () => topics.size,
  };
}

function leave(this: SharedHandle<Closable>): void {
  const handle = this as Handle<Closable>;
  if (handle.isLeft) return;
  handle.isLeft = true;
  handle.shared.handles -= 1;
  if (handle.shared.handles === 0) handle.topic.close();
  handle.onLeft?.();
}
