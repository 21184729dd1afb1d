import { nextProgress } from "@emlinh/progress-server/adapters/next";
import { progress } from "../../../../lib/progress";

export const dynamic = "force-dynamic";
export const { GET, HEAD, POST, DELETE, OPTIONS } = nextProgress(progress);
