// The smallest useful page: create a job, show its progress, show its result. The library's script defines
// `EmLinhProgress`.
const videos = new EmLinhProgress.VideoManager({
  baseUrl: "/api/video-progress",
  createUrl: "/api/chat/create-video",
});
const byId = (id) => document.getElementById(id);
const form = byId("form");
const UNREACHABLE = "The server can't be reached. Try again.";

// 1. Get the voices from the server.
async function offerVoices() {
  const { voices } = await (await fetch("/api/options")).json();
  form.voice.append(...voices.map(({ id, label }) => new Option(label.en, id)));
}
offerVoices().catch(() => {
  byId("voices").textContent = UNREACHABLE;
});

// 2. Create a job. A double click creates one: while the first request is pending, the second one gets its answer.
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { topic, duration, voice } = Object.fromEntries(new FormData(form));
  const input = {
    topic,
    duration: Number(duration),
    voice,
    composition: "presenter",
    background: "violet",
  };
  try {
    show(await videos.create(input));
  } catch (error) {
    byId("job").hidden = false;
    byId("status").textContent = error.status ? error.message : UNREACHABLE;
  }
});

// 3. Show the job. A snapshot has everything, so one function draws the page after each change.
const WORDS = {
  queued: "Waiting in the queue…",
  running: "Making your video…",
  cancelling: "Cancelling…",
  stale: "No news for some seconds…",
  completed: "Your video is ready.",
  failed: "The video could not be made.",
  cancelled: "Cancelled.",
  lost: "The video was not finished. Try again.",
  "timed-out": "It took longer than allowed. Try a shorter video.",
};
const CONNECTION_WORDS = {
  offline: "You are offline. The progress goes on when you are back.",
  waiting: "The connection is lost. Trying again…",
  suspect: "The connection is quieter than usual…",
  polling: "Slow connection: the progress arrives less often.",
};

let unsubscribe;
function show(video) {
  unsubscribe?.();
  byId("job").hidden = false;
  byId("video").replaceChildren();
  byId("bar").removeAttribute("value");
  byId("cancel").onclick = () => video.cancel();
  unsubscribe = video.subscribe(draw);
}

function draw({ job, connection }) {
  // The states of the connection and of the job are independent: a lost connection is not a failed job.
  const isGone = connection.status === "closed" && connection.error !== undefined;
  const isLost = connection.status === "offline" || connection.attempt > 0;
  setText(
    "connection",
    isGone ? "This video can't be shown." : connectionWords(connection, isLost),
  );
  if (job === undefined) return;
  const isOver = EmLinhProgress.isTerminal(job.status);
  setText("status", job.error?.message ?? WORDS[job.status]);
  const percent = job.percent === null ? "" : `${Math.floor(job.percent)} %`;
  // Without a connection nobody knows how long it still takes.
  const eta = job.etaMs === null || isOver || isLost ? "" : ` · ${remaining(job.etaMs)}`;
  setText("figures", percent + eta);
  if (job.percent !== null) byId("bar").value = job.percent;
  byId("cancel").hidden = isOver || isGone;
  byId("steps").replaceChildren(...job.plan.map((step) => stepLine(step, job)));
  if (job.result !== null && byId("video").childElementCount === 0)
    byId("video").append(player(job.result));
}

function connectionWords({ status }, isLost) {
  return CONNECTION_WORDS[isLost && status === "connecting" ? "waiting" : status] ?? "";
}

function remaining(ms) {
  return ms < 1500 ? "almost done" : `about ${Math.ceil(ms / 1000)} s left`;
}

// A screen reader reads a text of the role `status` each time that it is set.
function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function player({ videoUrl, posterUrl }) {
  const video = document.createElement("video");
  return Object.assign(video, {
    controls: true,
    playsInline: true,
    src: videoUrl,
    poster: posterUrl,
  });
}

function stepLine({ id, title }, job) {
  const step = job.steps[id];
  // The end of a job closes its running steps as failed. After a cancel they were only stopped.
  const isStopped =
    step?.status === "failed" && job.status !== "failed" && EmLinhProgress.isTerminal(job.status);
  const tookMs = step?.finishedAt - step?.startedAt;
  const took = tookMs < 100 ? "< 0.1 s" : `${(tookMs / 1000).toFixed(1)} s`;
  const count = step?.total === undefined ? "" : ` – ${step.done} of ${step.total} ${step.unit}`;
  const line = document.createElement("li");
  // Always set as text, so that no user's text becomes markup.
  line.textContent = title + (tookMs >= 0 ? ` – ${took}` : count);
  line.className = isStopped ? "stopped" : (step?.status ?? "waiting");
  return line;
}

// 4. After a reload, show the last job that this tab created.
const last = videos.resume().at(-1);
if (last !== undefined) show(last);
