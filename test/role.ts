import { readFileSync } from "node:fs";

/** One request to Azure Resource Manager. */
interface ArmRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

/**
 * What a request needs and the role that README tells to create for it does not have; null where nothing is missing. The accounts of models have a
 * role of their own. Actions on APIM's and Log Analytics' workspaces stand beside the roles in words.
 */
export function lackingAction(request: ArmRequest): string | null {
  const action = actionOf(request);
  if (action === null || /^Microsoft\.(?:ApiManagement\/service|OperationalInsights)\/workspaces\//.test(action)) return null;
  const [gateway, models] = roles();
  return (isOfModels(request) ? models : gateway)?.has(action.toLowerCase()) === true ? null : action;
}

let known: readonly ReadonlySet<string>[] | undefined;

/** The actions of each role, in README's order: on the gateway, on the accounts of models. */
function roles(): readonly ReadonlySet<string>[] {
  known ??= (readFileSync(new URL("../README.md", import.meta.url), "utf8").match(/\{[^{}`]*"Actions"[^{}`]*\}/g) ?? []).map((role) => {
    const { Actions } = JSON.parse(role) as { readonly Actions: readonly string[] };
    return new Set(Actions.map((action) => action.toLowerCase()));
  });
  return known;
}

const graph = /^\/providers\/Microsoft\.ResourceGraph\/resources(?:\?|$)/i;

const isOfModels = ({ path }: ArmRequest): boolean =>
  graph.test(path) || /\/providers\/Microsoft\.CognitiveServices\/accounts\//i.test(path);

const verbs: Readonly<Record<string, string>> = { GET: "read", HEAD: "read", PUT: "write", PATCH: "write", DELETE: "delete" };

/**
 * The action that ARM asks for: the types of the path below the provider, and what is done
 * (https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations); null for what is no resource of ours. Azure
 * Resource Graph asks for none of its own, and shows the resources that may be read
 * (https://learn.microsoft.com/azure/governance/resource-graph/overview#permissions-in-azure-resource-graph).
 */
function actionOf({ method, path }: ArmRequest): string | null {
  if (method === "POST" && graph.test(path)) return "Microsoft.CognitiveServices/accounts/read";
  const [resource = ""] = path.split("?");
  const [, provider, below] = /^.*\/providers\/(Microsoft\.[A-Za-z]+)\/(.+)$/.exec(decodeURI(resource)) ?? [];
  const verb = verbs[method];
  if (provider === undefined || below === undefined || verb === undefined) return null;
  const segments = below.replace(/\/$/, "").split("/");
  const types = segments.filter((_, index) => index % 2 === 0);
  return `${provider}/${types.join("/")}/${verb}`;
}
