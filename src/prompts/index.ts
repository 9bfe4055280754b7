import type { Prompt } from "../prompt.ts";
import { addFailoverRegion } from "./add-failover-region.ts";
import { reviewTeamQuotas } from "./review-team-quotas.ts";
import { troubleshoot } from "./troubleshoot.ts";
import { tuneSemanticCache } from "./tune-semantic-cache.ts";
import { weeklyGovernanceReport } from "./weekly-governance-report.ts";

/** Every prompt that a client is offered. */
export const prompts: readonly Prompt[] = [weeklyGovernanceReport, reviewTeamQuotas, addFailoverRegion, tuneSemanticCache, troubleshoot];
