import { readFileSync } from "node:fs";

/** One request to Azure Resource Manager. */
interface ArmRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
}

/** Whether the role that README tells to create has an action; those of APIM's and Log Analytics' workspaces stand beside it in words. */
export function isInRole(action: string): boolean {
  actions ??= roleActions();
  return actions.has(action.toLowerCase()) || /^Microsoft\.(?:ApiManagement\/service|OperationalInsights)\/workspaces\//.test(action);
}

let actions: ReadonlySet<string> | undefined;

function roleActions(): ReadonlySet<string> {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const [role = "{}"] = /\{[^{}`]*"Actions"[^{}`]*\}/.exec(readme) ?? [];
  const { Actions } = JSON.parse(role) as { readonly Actions: readonly string[] };
  return new Set(Actions.map((action) => action.toLowerCase()));
}

const verbs: Readonly<Record<string, string>> = { GET: "read", HEAD: "read", PUT: "write", PATCH: "write", DELETE: "delete" };

/**
 * The action that ARM asks for: the types of the path below the provider, and what is done
 * (https://learn.microsoft.com/azure/role-based-access-control/resource-provider-operations); null for what is no resource of ours.
 */
export function actionOf({ method, path }: ArmRequest): string | null {
  const [resource = ""] = path.split("?");
  const [, provider, below] = /^.*\/providers\/(Microsoft\.[A-Za-z]+)\/(.+)$/.exec(decodeURI(resource)) ?? [];
  const verb = verbs[method];
  if (provider === undefined || below === undefined || verb === undefined) return null;
  const segments = below.replace(/\/$/, "").split("/");
  const types = segments.filter((_, index) => index % 2 === 0);
  return `${provider}/${types.join("/")}/${verb}`;
}
