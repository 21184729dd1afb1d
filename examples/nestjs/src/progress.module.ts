import { createProgress, type Progress, type ProgressOptions } from "@emlinh/progress-server";
import {
  type BeforeApplicationShutdown,
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from "@nestjs/common";
import type { UserRequest } from "./user.guard.js";

/** The token of the app's `Progress`. */
export const PROGRESS = Symbol("Progress");

export type AppProgress = Progress<UserRequest>;

interface AsyncOptions extends Pick<ModuleMetadata, "imports">, Pick<FactoryProvider, "inject"> {
  useFactory: FactoryProvider<ProgressOptions<UserRequest>>["useFactory"];
}

@Module({})
export class ProgressModule implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(PROGRESS) private readonly progress: AppProgress) {}

  static forRootAsync({ imports = [], inject = [], useFactory }: AsyncOptions): DynamicModule {
    const provider: FactoryProvider<AppProgress> = {
      provide: PROGRESS,
      inject,
      useFactory: async (...injected) => createProgress(await useFactory(...injected)),
    };
    return {
      module: ProgressModule,
      global: true,
      imports,
      providers: [provider],
      exports: [PROGRESS],
    };
  }

  /** Nest closes the server after this hook, and the server waits for open streams. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.progress.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.progress.close();
  }
}
