export type { MakeStore, StoreCapabilities, SuiteStoreOptions } from "./context.js";
export { type SuiteTest, storeSuite } from "./store-suite.js";
