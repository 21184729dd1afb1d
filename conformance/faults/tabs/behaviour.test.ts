import { behaviour } from "../behaviour.js";
import { openTabsViewer } from "./viewer.js";

behaviour("three tabs in Node", { open: openTabsViewer, cutEvery: 61, randomRuns: 4 });
