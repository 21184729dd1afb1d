import { watchJob } from "@emlinh/progress-client";

const [baseUrl = "", jobId = ""] = Deno.args;
const watch = watchJob(jobId, { baseUrl });
watch.on("progress", ({ status, percent }) => console.log(`${status}, ${percent ?? 0} %`));
console.log("Result:", JSON.stringify(await watch.result));
