import { cachePolicies } from "../cache/index.ts";
import type { OpenHandlers } from "../call.ts";
import { limitPolicies } from "../limits/index.ts";
import { contentSafety } from "../safety/content-safety.ts";
import { accessPolicies } from "./access.ts";
import { authenticationPolicies } from "./authentication.ts";
import { controlFlowPolicies } from "./control-flow.ts";
import { corsPolicies } from "./cors.ts";
import { jwtPolicies } from "./jwt.ts";
import { forwardRequest, sendingPolicies } from "./sending.ts";
import { tracingPolicies } from "./tracing.ts";
import { notModelledBackends, requestShaping, responsePolicies, transformationPolicies } from "./transformation.ts";

export { notModelledBackends, responsePolicies };

/** What `send-request` may hold. */
export const requestPolicies: readonly string[] = [...requestShaping, ...Object.keys(authenticationPolicies)];

/** Every policy that the sandbox executes. */
export const policies: OpenHandlers = {
  ...accessPolicies,
  ...authenticationPolicies,
  ...cachePolicies,
  ...controlFlowPolicies,
  ...corsPolicies,
  ...jwtPolicies,
  ...limitPolicies,
  ...sendingPolicies,
  ...tracingPolicies,
  ...transformationPolicies,
  "forward-request": forwardRequest,
  "llm-content-safety": contentSafety,
};
