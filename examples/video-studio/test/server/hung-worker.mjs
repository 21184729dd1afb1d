// A worker that accepts its task, starts a process of its own, and then sends nothing.
import { spawn } from "node:child_process";

process.on("message", () => {
  spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
});
