import { ShutdownSignal } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ExpressAdapter } from "@nestjs/platform-express";
import { FastifyAdapter } from "@nestjs/platform-fastify";
import { AppModule } from "./app.module.js";

const isFastify = process.env.PLATFORM === "fastify";
const adapter = isFastify ? new FastifyAdapter() : new ExpressAdapter();
const app = await NestFactory.create(AppModule, adapter, { logger: ["error", "warn"] });
// Without `useProcessExit` Nest sends the signal to itself again, and the exit code is that of the signal.
app.enableShutdownHooks([ShutdownSignal.SIGTERM, ShutdownSignal.SIGINT], { useProcessExit: true });
await app.listen(process.env.PORT ?? 3000);
console.log(`Open ${await app.getUrl()}`);
