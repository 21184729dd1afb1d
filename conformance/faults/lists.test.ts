import { type ListBehaviourOptions, listBehaviour } from "./list-behaviour.js";
import { openListViewer } from "./list-viewer.js";

const open: ListBehaviourOptions["open"] = async (options) => {
  const viewer = openListViewer(options);
  return { all: [viewer], check() {}, close: viewer.close };
};

listBehaviour("a list and a manager", { open, cutEvery: 211, randomRuns: 10 });
