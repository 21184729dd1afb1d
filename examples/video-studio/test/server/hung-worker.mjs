// A worker that takes its task, starts a process of its own, and is never heard of again.
import { spawn } from "node:child_process";

process.on("message", () => {
  spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
});
