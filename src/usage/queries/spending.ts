import { by, type CallFilter, callQuery } from "./calls.ts";

const mostGroups = 10_000;

/** Tokens of prompts and completions by subscription and model, of calls that went to a backend: what a cache has answered costs nothing there. */
export const spendingQuery = (filter: CallFilter) =>
  callQuery(filter, {
    groupBy: ["subscription", "model"],
    measures: { Prompt: "long", Completion: "long" },
    tokens: true,
    steps: (source, groups) => `${source}
| where isnotnull(Tokens) and (isnotempty(BackendUrl) or BackendCode > 0)
| summarize Prompt = sum(Prompt), Completion = sum(Completion)${by(groups)}
| order by Prompt desc, Completion desc
| take ${mostGroups}`,
  });
