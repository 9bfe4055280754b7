import type { Prompt } from "../prompt.ts";
import { call, period, periodOf, planShowApply, product, steps, team } from "./names.ts";

export const reviewTeamQuotas: Prompt = {
  name: "review_team_quotas",
  title: "Review team quotas",
  description: "Compare each team's use with its limits, propose changes, try them on its own traffic.",
  arguments: [product, team, period],
  text: ({ product: product_id, team: subscription_id, period: given }) => {
    const usage = periodOf(given, "P7D");
    return steps(
      "Review the token limits of the teams.",
      `Call ${call("list_subscriptions", { product_id, subscription_id, usage })}: the limits that bind each team, and how much of them it uses.`,
      `Call ${call("get_metrics", { since: `-${usage}`, group_by: ["subscription", "cause"], subscriptions: subscription_id && [subscription_id], limit: 100 })}: who was throttled, by the gateway's limit or by the model's own 429 (\`backend:429\`). A higher limit does not help against the latter.`,
      "Tell me in a table who is near the limit (p95 at 80 % or more, or throttled by it), who is far below (under 20 %), and who has no limit or an unknown one. A limit that several share is shared: say with whom.",
      `For each change worth making, call \`update_quota\` with \`subscription_id\` and \`tpm\` or \`rpm\`. It writes nothing yet: \`forecast\` says what the new limit would have done to the team's real traffic. Where that is not clear, propose \`mode: "shadow"\` first: it counts what would have been refused, and refuses nothing.`,
      planShowApply,
      "Some minutes later call `get_metrics` with the `change_id`, and tell me whether that team alone was affected.",
    );
  },
};
