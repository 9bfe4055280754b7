import { missing } from "../usage/preflight.ts";
import { type Finding, knowing, ok, problem } from "./check.ts";
import type { Evidence } from "./evidence.ts";
import { calls, some } from "./wording.ts";

/** Whether the logs say all that the other checks need. */
export const logging = (evidence: Evidence): Finding =>
  knowing({ service: evidence.service, settings: evidence.settings, own: evidence.apiSettings }, ({ service, settings, own }) => {
    const all = [
      ...missing(service, settings, evidence.apiId ?? undefined),
      ...[...own].flatMap(([apiId, ofApi]) => missing(service, ofApi, apiId)),
    ];
    const gaps = [...new Map(all.map((gap) => [gap.what, gap])).values()];
    const [first] = gaps;
    if (first === undefined) return arrival(evidence);
    // Nothing mends it: it is a fault only to who asks for logs.
    if (first.name === "consumption" && evidence.symptom !== "logging") return ok(first.what);
    return problem(
      some(
        gaps.map(({ what }) => what),
        2,
      ),
      "Which calls, of which team, with how many tokens is not written down, or not all of it.",
      first.fix ?? "Use a tier that writes resource logs",
    );
  });

/** The settings are right: do rows come in? */
function arrival({ traffic: { calls: all, logged, teams } }: Evidence): Finding {
  if (logged === null && teams.kind === "refused" && teams.error.code === "forbidden") return { status: "unknown", refusals: [teams] };
  if (logged !== false || all.kind === "refused" || all.value.requests === 0) return ok();
  return problem(
    `${calls(all.value.requests)} by the metrics, and no row in the logs for a day.`,
    "The settings are right, and the logs do not arrive: they are new (up to 2 hours), sampled away, or the workspace refuses them.",
    'az monitor log-analytics workspace show --ids <workspace id> --query "{cap:workspaceCapping, state:provisioningState}"',
  );
}
