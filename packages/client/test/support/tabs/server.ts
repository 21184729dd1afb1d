import { listedOf, ProgressError } from "@emlinh/progress-protocol";
import type { OpenFeed } from "../../../src/core/feed/feed.js";
import { type JobReplicas, jobReplicas } from "../job-replicas.js";
import type { Links } from "./links.js";
import { type SimulatedPage, simulatedPage } from "./page.js";

const serverPage = simulatedPage("server", () => {});

/** The cursors that a request sends. */
function cursorsOf({ jobs, subjects }: Targets, receiver: Receiver): Map<string, string> {
  const listed = subjects.flatMap((subject) => receiver.listOf(subject)?.jobs ?? []);
  return new Map(
    [...jobs, ...listed].flatMap((job) => {
      const cursor = receiver.cursorOf(job);
      return cursor === undefined ? [] : [[job, cursor]];
    }),
  );
}

/** A server of jobs and lists, whose connections are scripted: no bytes, no retries. */
export interface TabServer {
  readonly jobs: Pick<JobReplicas, "create" | "write" | "read">;
  listOf(subject: string): readonly string[];
  /** Replaces a list. */
  list(subject: string, jobs: readonly string[]): void;
  /** Opens connections for a page. */
  direct(page: SimulatedPage): OpenFeed;
  /** The pages that have a connection, one entry for each. */
  connections(): string[];
  /** Every request: its page and jobs. */
  readonly requests: { readonly page: string; readonly jobs: readonly string[] }[];
  /** Jobs that are refused. */
  readonly refused: Set<string>;
  /** Refuses whole requests with 401 while it is set. */
  isLocked: boolean;
}

type Receiver = Parameters<OpenFeed>[1];
type Targets = Parameters<ReturnType<OpenFeed>["setTargets"]>[0];
type State = ReturnType<OpenFeed>["connection"];

interface Connection {
  readonly page: SimulatedPage;
  readonly targets: Targets;
  readonly receiver: Receiver;
  readonly sent: Map<string, string>;
  readonly show: (state: State) => void;
  isOpen: boolean;
}

export function tabServer(net: Links, clock: () => number): TabServer {
  const jobs = jobReplicas();
  const lists = new Map<string, readonly string[]>();
  const connections = new Set<Connection>();
  const requests: TabServer["requests"] = [];
  const refused = new Set<string>();
  let isLocked = false;

  function send(connection: Connection, task: () => void): void {
    net.send("server", connection.page, () => connection.isOpen && task());
  }

  function sendChanges(connection: Connection): void {
    const { targets, receiver, sent } = connection;
    const listed = targets.subjects.flatMap((subject) => lists.get(subject) ?? []);
    for (const job of new Set([...targets.jobs, ...listed])) {
      if (!jobs.has(job) || refused.has(job)) continue;
      const delta = jobs.read(job, sent.get(job));
      if (delta.cursor === sent.get(job)) continue;
      sent.set(job, delta.cursor);
      send(connection, () => {
        // The connection asks for the whole state.
        if (receiver.receive({ job, delta }, clock()) === "unknown-epoch") {
          sent.delete(job);
          sendChanges(connection);
        }
      });
    }
  }

  function sendList(connection: Connection, subject: string): void {
    const list = listedOf({ subject, jobs: lists.get(subject) ?? [], next: null });
    send(connection, () => connection.receiver.listed(list));
  }

  function answer(connection: Connection): void {
    const { targets, receiver, show } = connection;
    for (const subject of targets.subjects) sendList(connection, subject);
    for (const job of targets.jobs)
      if (refused.has(job) || !jobs.has(job))
        send(connection, () => receiver.refused({ job, status: 404, code: "job-not-found" }));
    sendChanges(connection);
    send(connection, () => show({ status: "live", attempt: 0, transport: "stream" }));
    send(connection, () => {
      receiver.serverTime(clock());
      receiver.ready();
    });
  }

  function change(): void {
    for (const connection of connections) sendChanges(connection);
  }

  /** Opens one connection after another, as a feed does. */
  function direct(page: SimulatedPage): OpenFeed {
    return (_options, receiver) => {
      let state: State = { status: "idle", attempt: 0, transport: "stream" };
      let current: Connection | undefined;
      let targets: Targets | undefined;
      const show = (next: State): void => {
        state = next;
        receiver.connection(state);
      };
      const connect = (): void => {
        disconnect(current);
        if (!targets) return;
        requests.push({ page: page.name, jobs: [...targets.jobs].sort() });
        const sent = cursorsOf(targets, receiver);
        const connection = { page, targets, receiver, sent, show, isOpen: true };
        current = connection;
        show({ status: "connecting", attempt: 0, transport: "stream" });
        net.send(page.name, serverPage, () => accept(connection));
      };
      return {
        get connection() {
          return state;
        },
        setTargets(next) {
          targets = next;
          connect();
        },
        refresh: connect,
        close: () => disconnect(current),
      };
    };
  }

  function accept(connection: Connection): void {
    if (!connection.isOpen || connection.page.isGone) return;
    if (isLocked) {
      const error = new ProgressError("not-authenticated", { message: "Sign in.", status: 401 });
      const closed = { status: "closed", attempt: 0, transport: "stream", error } as const;
      send(connection, () => connection.show(closed));
      return;
    }
    connections.add(connection);
    answer(connection);
  }

  function disconnect(connection: Connection | undefined): void {
    if (!connection) return;
    connection.isOpen = false;
    connections.delete(connection);
  }

  return {
    direct,
    requests,
    refused,
    connections: () =>
      [...connections].filter(({ page }) => !page.isGone).map(({ page }) => page.name),
    get isLocked() {
      return isLocked;
    },
    set isLocked(next) {
      isLocked = next;
    },
    listOf: (subject) => lists.get(subject) ?? [],
    list(subject, ids) {
      lists.set(subject, ids);
      for (const connection of connections)
        if (connection.targets.subjects.includes(subject)) sendList(connection, subject);
      change();
    },
    jobs: {
      read: jobs.read,
      create(...args) {
        jobs.create(...args);
        change();
      },
      write(...args) {
        jobs.write(...args);
        change();
      },
    },
  };
}
