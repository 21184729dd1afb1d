export type { MakeStore, StoreCapabilities, SuiteStoreOptions } from "./bench.js";
export { type SuiteTest, storeSuite } from "./store-suite.js";
