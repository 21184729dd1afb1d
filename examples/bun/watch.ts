import { watchJob } from "@emlinh/progress-client";

const [baseUrl = "", jobId = ""] = process.argv.slice(2);
const watch = watchJob(jobId, { baseUrl });
watch.on("progress", ({ status, percent }) => console.log(`${status}, ${percent ?? 0} %`));
console.log("Result:", JSON.stringify(await watch.result));
