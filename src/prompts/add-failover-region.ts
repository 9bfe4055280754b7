import type { Prompt } from "../prompt.ts";
import { api, call, planShowApply, quoted, steps } from "./names.ts";

export const addFailoverRegion: Prompt = {
  name: "add_failover_region",
  title: "Add a failover region",
  description: "Add a standby endpoint with a circuit breaker to an API's pool, and prove that it takes over.",
  arguments: [
    { ...api, required: true },
    { name: "endpoint", description: "URL of the model endpoint to add", required: true },
    { name: "region", description: "What to call it, e.g. West Europe" },
  ],
  text: ({ api: api_id = "", endpoint = "", region }) =>
    steps(
      `Add ${quoted(endpoint)}${region === undefined ? "" : ` (${quoted(region)})`} as a standby to what serves API ${quoted(api_id)}. The primary keeps its priority.`,
      `Call ${call("get_backend_pool", { api_id })}: members with their model deployments, priorities, breakers, retry, and what is wrong with them.`,
      `Plan it: ${call("update_backend_pool", {
        api_id,
        backends: [{ backend_id: "NAME", url: endpoint, region, priority: 2 }],
        policies: { circuit_breaker: { failure_count: 5, interval: "PT1M", trip_duration: "PT5M" } },
      })}, with a name like those of the others. That breaker is for every member: without one at the primary nothing ever fails over. With \`probe: true\` the new endpoint is asked before it joins. The call writes nothing. Its warnings say where the endpoint's deployments are other models or versions, or cannot carry the peak; where they say unknown, ask me: another version answers differently without saying so.`,
      "If the plan has `manual_steps` (such as a role assignment for the gateway's identity at the new endpoint), show me the command: that is mine to run, and before the change.",
      planShowApply,
      `Prove it: \`run_failover_drill\` with \`mode: "rehearse"\` touches no production call. Show the plan, apply it once I agree, then call \`get_drill\` with its \`drill_id\` until there is a verdict, and tell me what it has not shown. \`stop_drill\` ends it early.`,
      `Call ${call("get_backend_pool", { api_id })} again and compare it with what we wanted.`,
    ),
};
