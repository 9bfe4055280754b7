import type { Prompt } from "../prompt.ts";
import { api, call, period, periodOf, planShowApply, quoted, steps } from "./names.ts";

export const tuneSemanticCache: Prompt = {
  name: "tune_semantic_cache",
  title: "Tune the semantic cache",
  description: "Measure the hit rate and move the threshold one step, the strict way.",
  arguments: [
    { ...api, required: true },
    { name: "complaints", description: "Wrong answers from the cache that users have reported" },
    { ...period, description: "Measured over, P1D where left out" },
  ],
  text: ({ api: api_id = "", complaints, period: length }) =>
    steps(
      `Tune the semantic cache of API ${quoted(api_id)}.${complaints === undefined ? "" : ` Users say: ${quoted(complaints)}`}`,
      `Call ${call("get_policy", { api_id, view: "effective" })}. Find \`llm-semantic-cache-lookup\` (or \`azure-openai-semantic-cache-lookup\`) and its \`score-threshold\`. That is a distance: similarity 0.95 is 0.05, and a smaller number is stricter. Look at \`vary-by\` too: answers must not go from one team to another.`,
      `Call ${call("get_metrics", { api_id, since: `-${periodOf(length, "P1D")}`, include: ["cache"] })}: hit rate, by which sign of a hit, and tokens saved.`,
      'If there is no cache yet, start strict: 0.05, TTL 1 h. If the hit rate is 0 or unknown, do not move the threshold: call `diagnose_gateway` with the API and `symptom: "cache"` first.',
      complaints === undefined
        ? "If the hit rate is under 20 % and nobody has complained, loosen by one step: add 0.02, and never beyond 0.15. At 20 % or more leave it. Complaints of wrong answers go before any rate: then tighten by one step."
        : "There are complaints, so tighten by one step: take 0.02 off, or half where that would be under 0.01. Do not loosen it, whatever the hit rate is.",
      "Plan it with `apply_policy`: the API, and `edits` that set this one attribute.",
      planShowApply,
      "Measure again after as long as before, with `get_metrics` and the `change_id`. One step at a time.",
    ),
};
