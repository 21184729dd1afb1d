// A worker whose task fails at once.
process.on("message", () => {
  process.send({ type: "failed", code: "internal", message: "It failed." }, () => process.exit(1));
});
