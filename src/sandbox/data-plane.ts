import type { CSharp } from "../policy/expression-syntax.ts";
import { createGateway, type FinishedCall, type Gateway } from "./gateway/gateway.ts";
import { rowsOf } from "./gateway/logs/rows.ts";
import { type LogStore, logStore } from "./gateway/logs/store.ts";
import { type ContentSafetyService, contentSafetyService } from "./models/content-safety.ts";
import type { Deployment } from "./models/deployments.ts";
import { faultOrigin } from "./models/fault-origin.ts";
import { type ModelBackends, modelBackends } from "./models/model-backends.ts";
import type { World } from "./world.ts";

/** What carries traffic: the gateway, and the hosts behind it. */
export interface DataPlane {
  readonly gateway: Gateway;
  readonly models: ModelBackends;
  readonly contentSafety: ContentSafetyService;
  /** What the gateway has written down of its calls. */
  readonly logs: LogStore;
}

/**
 * Puts the gateway in front of a world's model backends. Once for a world: its hosts become upstreams of it. A model backend has the
 * `deployments`; one of any name where they are left out.
 */
export function openDataPlane(world: World, grammar: () => Promise<CSharp>, deployments?: readonly Deployment[]): DataPlane {
  const contentSafety = contentSafetyService();
  const models = modelBackends(world, deployments === undefined ? {} : { deployments });
  // An Azure resource may serve both: the paths of content safety are its own.
  world.upstreams.push(faultOrigin, contentSafety, models);
  const logs = logStore();
  const onFinished = (call: FinishedCall): void => {
    const rows = rowsOf(call);
    logs.add(rows);
    for (const { table, row } of rows) if (table === "ApiManagementGatewayLogs") world.live.record(row);
  };
  const gateway = createGateway(world, { grammar, onFinished });
  return { gateway, models, contentSafety, logs };
}
