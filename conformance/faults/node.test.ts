import { behaviour } from "./behaviour.js";
import { openNodeViewer } from "./viewer.js";

behaviour("a client in Node", { open: openNodeViewer, cutEvery: 7, randomRuns: 30 });
