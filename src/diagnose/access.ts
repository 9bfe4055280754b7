import { type Finding, ok, problem } from "./check.ts";
import type { Opened } from "./evidence.ts";
import type { Refusal } from "./reads.ts";

/** Who asks, for people; empty where the token does not say. */
function whoAsks({ identity }: Pick<Opened, "identity">): string {
  if (identity === null) return "";
  const { name, objectId, tenantId } = identity;
  return [name ?? objectId ?? "", ...(tenantId === null ? [] : [`tenant ${tenantId}`])].filter((part) => part !== "").join(", ");
}

/** Whether the service can be asked at all, and by whom. A right that is missing is told by the checks that need it. */
export function access(opened: Opened): Finding {
  const { service } = opened;
  const who = whoAsks(opened);
  if (service.kind === "read") return ok(who === "" ? undefined : `as ${who}`);
  const { error } = service;
  if (error.code === "forbidden") return { status: "unknown", refusals: [service] };
  return problem(
    error.message,
    `Nothing of the service can be read${who === "" ? "" : ` as ${who}`}${error.details.length === 0 ? "" : ` (${error.details.slice(0, 2).join("; ")})`}.`,
    error.hint ?? (error.code === "not_found" ? "Check AIGW_SERVICE; 'az apim list' shows the services" : "Try again"),
  );
}

/** Whether no other read can succeed either: the service is not there, or nobody is signed in. */
export const isBlind = ({ service }: Opened): boolean => service.kind === "refused" && service.error.code !== "forbidden";

/** What has to be granted for a read, where Azure's refusal does not say: https://learn.microsoft.com/azure/role-based-access-control/permissions/integration#microsoftapimanagement */
const actions: Readonly<Record<Refusal["read"], { readonly action: string; readonly role: string }>> = {
  service: reader("read"),
  apis: reader("apis/read"),
  products: reader("products/read"),
  subscriptions: reader("subscriptions/read"),
  policies: reader("*/policies/read"),
  fragments: reader("policyFragments/read"),
  namedValues: reader("namedValues/read"),
  backends: reader("backends/read"),
  caches: reader("caches/read"),
  certificates: reader("certificates/read"),
  activity: { action: "Microsoft.Insights/eventtypes/values/read", role: "Monitoring Reader" },
  journal: { action: "", role: "" },
  settings: { action: "Microsoft.Insights/diagnosticSettings/read", role: "Monitoring Reader" },
  logs: { action: "Microsoft.OperationalInsights/workspaces/query/read", role: "Log Analytics Reader" },
  traffic: { action: "Microsoft.Insights/metrics/read", role: "Monitoring Reader" },
  workspaces: reader("workspaces/read"),
  accounts: { action: "Microsoft.CognitiveServices/accounts/read", role: "Reader" },
  deployments: { action: "Microsoft.CognitiveServices/accounts/deployments/read", role: "Reader" },
  accountMetrics: { action: "Microsoft.Insights/metrics/read", role: "Reader" },
};

function reader(path: string) {
  return { action: `Microsoft.ApiManagement/service/${path}`, role: "API Management Service Reader Role" };
}

/** Why a read has no answer, and what to do. */
export interface Reason {
  readonly why: string;
  readonly do: string;
}

/** `AuthorizationFailed` names the action and the scope; where it does not, those of the read are named. */
export function reasonOf({ read, error, scope: known }: Refusal, opened: Opened): Reason {
  const { code, message, hint } = error;
  if (code !== "forbidden") return { why: message, do: hint ?? "Try again" };
  const [, named, scope] = /perform action '([^'\s]+)' over scope '([^']+)'/.exec(message) ?? [];
  const { action, role } = actions[read];
  const where = scope ?? known?.id ?? (opened.service.kind === "read" ? opened.service.value.resourceId : "<ARM id of the service>");
  const command = known === undefined ? /az role assignment create .*?--scope "[^"]+"/.exec(hint ?? "")?.[0] : undefined;
  const written = command ?? `az role assignment create --assignee <object id> --role "${role}" --scope "${scopeToGrant(where, read)}"`;
  const id = opened.identity?.objectId ?? /object id '([^'\s]+)'/.exec(message)?.[1];
  return {
    why: `No right to ${named ?? action} on ${scope ?? known?.name ?? where}.`,
    do: id == null ? written : written.replace("<object id>", id),
  };
}

/** The activity log is asked through the Azure subscription for one resource group. Assumed: rights on that group do. */
const scopeToGrant = (scope: string, read: Refusal["read"]): string =>
  read === "activity" ? (/^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+/i.exec(scope)?.[0] ?? scope) : scope;
