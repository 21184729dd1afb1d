// The smallest useful page: create a job, show its progress, show its result. The library's script defines
// `EmLinhProgress`.
const videos = new EmLinhProgress.VideoManager({
  baseUrl: "/api/video-progress",
  createUrl: "/api/chat/create-video",
});
const byId = (id) => document.getElementById(id);
const form = byId("form");

// 1. Get the voices from the server.
async function offerVoices() {
  const { voices } = await (await fetch("/api/options")).json();
  form.voice.append(...voices.map(({ id, label }) => new Option(label.en, id)));
}
offerVoices().catch(() => {
  byId("voices").textContent = "The server can't be reached. Reload the page to try again.";
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
    byId("status").textContent = error.message;
  }
});

// 3. Show the job. A snapshot has everything, so one function draws the page after each change.
let unsubscribe;
function show(video) {
  unsubscribe?.();
  unsubscribe = video.subscribe(() => draw(video.getSnapshot()));
  byId("job").hidden = false;
  byId("video").replaceChildren();
  byId("bar").removeAttribute("value");
  byId("cancel").onclick = () => video.cancel();
  draw(video.getSnapshot());
}

function draw({ job, connection }) {
  // The states of the connection and of the job are independent: a lost connection is not a failed job.
  const isConnected = ["live", "connecting", "closed", "idle"].includes(connection.status);
  byId("connection").textContent = isConnected ? "" : `Connection: ${connection.status}`;
  if (job === undefined) return;
  const eta = job.etaMs === null ? "" : `, about ${Math.ceil(job.etaMs / 1000)} s left`;
  byId("status").textContent = job.error?.message ?? `${job.status}${eta}`;
  if (job.percent !== null) byId("bar").value = job.percent;
  byId("cancel").hidden = EmLinhProgress.isTerminal(job.status);
  byId("steps").replaceChildren(...job.plan.map((step) => stepLine(step, job)));
  if (job.result !== null && byId("video").childElementCount === 0)
    byId("video").append(player(job.result));
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
  const count = step?.total === undefined ? "" : ` ${step.done}/${step.total}`;
  const line = document.createElement("li");
  // Always set as text, so that no user's text becomes markup.
  line.textContent = title + (tookMs >= 0 ? ` – ${(tookMs / 1000).toFixed(1)} s` : count);
  line.className = isStopped ? "stopped" : (step?.status ?? "waiting");
  return line;
}

// 4. After a reload, show the last job that this tab created.
const last = videos.resume().at(-1);
if (last !== undefined) show(last);
