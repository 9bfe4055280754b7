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
      gaps.length > mostTold ? some(gaps.map(withoutStop), mostTold).concat(".") : gaps.map(({ what }) => what).join(" "),
      "Which calls, of which team, with how many tokens is not written down, or not all of it.",
      commands(gaps.flatMap(({ fix }) => fix ?? [])),
    );
  });

const mostTold = 2;

const withoutStop = ({ what }: { readonly what: string }): string => what.replace(/\.$/, "");

/** Each of those that are told has a command of its own. A shell runs them one after the other. */
const commands = (fixes: readonly string[]): string =>
  fixes.length === 0 ? "Use a tier that writes resource logs" : [...new Set(fixes)].slice(0, mostTold).join(" && ");

/** The settings are right: do rows come in? Rows of the window are asked for where the window's calls are known. */
function arrival({ traffic: { calls: all, logged, teams } }: Evidence): Finding {
  // Logs that cannot be asked may hold everything.
  if (logged === null && teams.kind === "refused") return { status: "unknown", refusals: [teams] };
  const isOfLogs = all.kind === "read" && all.value.source.startsWith("gateway logs");
  if (logged !== false || all.kind === "refused" || all.value.requests === 0 || isOfLogs) return ok();
  return problem(
    `${calls(all.value.requests)} by the metrics, and no row in the logs, neither of this window nor of the last day.`,
    "The settings are right, and the logs do not arrive: they are new (up to 2 hours), sampled away, or the workspace refuses them.",
    'az monitor log-analytics workspace show --ids <workspace id> --query "{cap:workspaceCapping, state:provisioningState}"',
  );
}
