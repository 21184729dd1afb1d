import { JobManager, type JobManagerOptions, type JobStorage } from "@emlinh/progress-client";
import { afterEach, beforeEach } from "vitest";
import { type FakeTime, fakeTime } from "./fake-time.js";
import { type JobServer, type ReceivedRequest, startJobServer } from "./job-server.js";

/** Answers a request of the create route; `false` leaves it to the route. */
type CreateInterceptor = (request: ReceivedRequest, count: number) => boolean;

/** A job server, a fake clock and a storage, new for each test, and what tests of a manager do with them. */
export interface ManagerFixture {
  readonly server: JobServer;
  readonly time: FakeTime;
  readonly storage: JobStorage & { readonly items: Map<string, string> };
  /** Makes a manager that is closed at the end of the test. */
  make(options?: Partial<JobManagerOptions>): JobManager;
  /** Serves the app's route that creates one job per key. Returns the job ids by key. */
  serveCreate(intercept?: CreateInterceptor): Map<string, string>;
  /** The POST requests so far. */
  posts(): ReceivedRequest[];
}

/** Registers the hooks that make a fixture for each test of a file. */
export function managerFixture(): ManagerFixture {
  const managers: JobManager[] = [];
  let server: JobServer;
  let time: FakeTime;
  let storage: ManagerFixture["storage"];

  beforeEach(async () => {
    server = await startJobServer();
    time = fakeTime();
    storage = memoryStorage();
  });
  afterEach(async () => {
    for (const manager of managers.splice(0)) manager.close();
    await server.close();
  });

  return {
    get server() {
      return server;
    },
    get time() {
      return time;
    },
    get storage() {
      return storage;
    },
    make(options) {
      const { baseUrl } = server;
      const defaults = { baseUrl, createUrl: `${baseUrl}/create-video`, storage, ...time };
      const manager = new JobManager({ ...defaults, random: () => 0, ...options });
      managers.push(manager);
      return manager;
    },
    serveCreate: (intercept = () => false) => serveCreate(server, intercept),
    posts: () => server.requests.filter(({ method }) => method === "POST"),
  };
}

function serveCreate(server: JobServer, intercept: CreateInterceptor): Map<string, string> {
  const jobs = new Map<string, string>();
  let count = 0;
  server.intercept = (request) => {
    if (!request.url.pathname.endsWith("/create-video")) return false;
    count += 1;
    if (intercept(request, count)) return true;
    const key = String(request.headers["idempotency-key"]);
    const jobId = jobs.get(key) ?? `job${jobs.size + 1}`;
    if (!jobs.has(key)) server.create(jobId, { percent: 1 });
    jobs.set(key, jobId);
    request.response
      .writeHead(202, { "content-type": "application/json" })
      .end(JSON.stringify({ jobId }));
    return true;
  };
  return jobs;
}

/** An empty storage. */
export function memoryStorage(): ManagerFixture["storage"] {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
  };
}
