// The least that a page needs: make a job, show how far it is, show what came out. `EmLinhProgress` is the library's script.
const videos = new EmLinhProgress.VideoManager({
  baseUrl: "/api/video-progress",
  createUrl: "/api/chat/create-video",
});
const byId = (id) => document.getElementById(id);
const form = byId("form");

// 1. The choices, from the server.
async function offerVoices() {
  const { voices } = await (await fetch("/api/options")).json();
  form.voice.append(...voices.map(({ id, label }) => new Option(label.en, id)));
}
offerVoices().catch(() => {
  byId("voices").textContent = "The server can't be reached: reload the page.";
});

// 2. Making one. A double click makes one video: while the first request is out, the second gets the same answer.
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

// 3. Showing it. One snapshot holds everything, so there is one function that draws, called after each change.
let leave;
function show(video) {
  leave?.();
  leave = video.subscribe(() => draw(video.getSnapshot()));
  byId("job").hidden = false;
  byId("video").replaceChildren();
  byId("bar").removeAttribute("value");
  byId("cancel").onclick = () => video.cancel();
  draw(video.getSnapshot());
}

function draw({ job, connection }) {
  // How the connection does and how the job does are two things: a lost line is not a failed job.
  const isWell = ["live", "connecting", "closed", "idle"].includes(connection.status);
  byId("connection").textContent = isWell ? "" : `Connection: ${connection.status}`;
  if (job === undefined) return;
  const eta = job.etaMs === null ? "" : `, about ${Math.ceil(job.etaMs / 1000)} s left`;
  byId("status").textContent = job.error?.message ?? `${job.status}${eta}`;
  if (job.percent !== null) byId("bar").value = job.percent;
  byId("cancel").hidden = EmLinhProgress.isTerminal(job.status);
  byId("steps").replaceChildren(...job.plan.map((step) => stepLine(step, job.steps[step.id])));
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

function stepLine({ title }, state) {
  const line = document.createElement("li");
  const tookMs = state?.finishedAt - state?.startedAt;
  const frames = state?.total === undefined ? "" : ` ${state.done}/${state.total}`;
  // Always as text: what a user typed can then never become part of the page.
  line.textContent = title + (tookMs >= 0 ? ` – ${(tookMs / 1000).toFixed(1)} s` : frames);
  line.className = state?.status ?? "waiting";
  return line;
}

// 4. After a reload: the manager remembers what this tab made.
const last = videos.resume().at(-1);
if (last !== undefined) show(last);
