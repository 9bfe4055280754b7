import type { Prompt } from "../prompt.ts";
import { api, call, quoted, steps, team, timeOf } from "./names.ts";

const symptoms = ["403", "429", "5xx", "latency", "cache", "failover", "logging"];

export const troubleshoot: Prompt = {
  name: "troubleshoot",
  title: "Troubleshoot the gateway",
  description: "Was it the gateway, the model or the client? Find the cause with evidence, and what to do.",
  arguments: [
    { name: "symptom", description: "403, 429, 5xx, latency, cache, failover, logging, or in your words", known: async () => symptoms },
    api,
    team,
    { name: "when", description: "ISO 8601 with an offset, or ago: -PT2H" },
  ],
  text: ({ symptom, api: api_id, team: subscription_id, when }) => {
    const known = symptoms.find((one) => one === symptom?.toLowerCase());
    const about = symptom !== undefined && known === undefined ? ` What I see: ${quoted(symptom)}` : "";
    const since = timeOf(when);
    const then =
      when !== undefined && since === undefined
        ? ` It was at ${quoted(when)}: give each call that time as \`since\`, in ISO 8601 with an offset, or as how long ago (\`-PT2H\`). Where the day or the offset is not clear, ask me first.`
        : "";
    return steps(
      `Find out what is wrong with the AI gateway, and whose doing it is: the gateway's, the model's or the client's.${about}${then}`,
      `Call ${call("diagnose_gateway", { api_id, subscription_id, symptom: known, since })}. Give me its verdict, then each problem with what was seen and what to do. What it calls unknown is neither well nor wrong: say what right or setting is missing.`,
      `Where it leaves the cause open, call ${call("get_metrics", { api_id, subscriptions: subscription_id && [subscription_id], since, group_by: ["time", "cause"], limit: 60 })} and look at when it began; \`list_changes\` says what was changed through this server just before.`,
      "429 that persist after a limit was raised: where their origin is `backend:429`, the model deployment itself is the bottleneck, and no limit of ours helps.",
      "Give me the correlation ids of examples, so that the application's own errors can be looked up by them.",
      "Propose one remedy at a time. If it changes the gateway, plan it with the tool that the diagnosis names, show me the plan, and call `apply_change` only once I agree. Commands for Azure are mine to run.",
    );
  },
};
