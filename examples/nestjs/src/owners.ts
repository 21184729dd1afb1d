import { Injectable, Module } from "@nestjs/common";

/** Whose each job is. An app has this in its database. */
@Injectable()
export class Owners {
  private readonly users = new Map<string, string>();

  set(jobId: string, user: string): void {
    this.users.set(jobId, user);
  }

  of(jobId: string): string | undefined {
    return this.users.get(jobId);
  }
}

@Module({ providers: [Owners], exports: [Owners] })
export class OwnersModule {}
