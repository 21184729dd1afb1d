import { behaviour } from "./behaviour.js";
import { openManagerViewer, openNodeViewer } from "./viewer.js";

behaviour("a client in Node", { open: openNodeViewer, cutEvery: 7, randomRuns: 30 });

behaviour("the manager in Node", { open: openManagerViewer, cutEvery: 61, randomRuns: 10 });
