import { type AnyTool, anyTool } from "../src/tool.ts";
import { applyChange } from "./apply-change.ts";
import { applyPolicy } from "./apply-policy.ts";
import { diagnoseGateway } from "./diagnose-gateway.ts";
import { getBackendPool } from "./get-backend-pool.ts";
import { getDrill } from "./get-drill.ts";
import { getMetrics } from "./get-metrics.ts";
import { getPolicy } from "./get-policy.ts";
import { listChanges } from "./list-changes.ts";
import { listSubscriptions } from "./list-subscriptions.ts";
import { runFailoverDrill } from "./run-failover-drill.ts";
import { stopDrill } from "./stop-drill.ts";
import { undoChange } from "./undo-change.ts";
import { updateBackendPool } from "./update-backend-pool.ts";
import { updateQuota } from "./update-quota.ts";

/** Every tool, in the order in which clients list them. */
export const tools: readonly AnyTool[] = [
  anyTool(listSubscriptions),
  anyTool(updateQuota),
  anyTool(getBackendPool),
  anyTool(updateBackendPool),
  anyTool(runFailoverDrill),
  anyTool(getDrill),
  anyTool(stopDrill),
  anyTool(getPolicy),
  anyTool(applyPolicy),
  anyTool(getMetrics),
  anyTool(diagnoseGateway),
  anyTool(applyChange),
  anyTool(undoChange),
  anyTool(listChanges),
];
