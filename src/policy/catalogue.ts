import { aiGateway } from "./catalogue/ai-gateway.ts";
import { authentication } from "./catalogue/authentication.ts";
import { caching } from "./catalogue/caching.ts";
import { contentValidation } from "./catalogue/content-validation.ts";
import { controlFlow } from "./catalogue/control-flow.ts";
import { crossDomain } from "./catalogue/cross-domain.ts";
import { integration } from "./catalogue/integration.ts";
import { limits } from "./catalogue/limits.ts";
import { logging } from "./catalogue/logging.ts";
import { resolvers } from "./catalogue/resolvers.ts";
import { routing } from "./catalogue/routing.ts";
import { transformation } from "./catalogue/transformation.ts";
import { everySection, type PolicyDefinition, type PolicyTable, type Section } from "./catalogue/types.ts";
import { undocumented } from "./catalogue/undocumented.ts";

export type { PolicyDefinition, ScopeName, Section } from "./catalogue/types.ts";

export const sections: readonly Section[] = everySection;

/** A policy by the name that its element has, or one of the names. */
export interface Policy extends PolicyDefinition {
  /** The name of its entry; that of the element may be an alias. */
  readonly name: string;
}

/** Every policy under the subject that it belongs to, for people. */
export const catalogue: Readonly<Record<string, PolicyTable>> = {
  "AI gateway": aiGateway,
  "Rate limits and quotas": limits,
  "Authentication and authorization": authentication,
  Caching: caching,
  Routing: routing,
  "Control flow": controlFlow,
  Transformation: transformation,
  "Content validation": contentValidation,
  "Cross-domain": crossDomain,
  Integration: integration,
  Logging: logging,
  "GraphQL resolvers": resolvers,
  Undocumented: undocumented,
};

const byName: ReadonlyMap<string, Policy> = new Map(
  Object.values(catalogue).flatMap((table) =>
    Object.entries(table).flatMap(([name, definition]) => {
      const policy: Policy = { name, ...definition };
      return [name, ...(definition.aliases ?? [])].map((alias): [string, Policy] => [alias, policy]);
    }),
  ),
);

/** The policy whose element has this name; undefined where the catalogue does not know it. */
export function policyNamed(name: string): Policy | undefined {
  return byName.get(name);
}

/** The names of all policies, aliases too. */
export function policyNames(): Iterable<string> {
  return byName.keys();
}

/** Where a policy is documented; null for one that the reference does not have. */
export function referencePage({ name, undocumented: unknown }: Policy): string | null {
  return unknown ? null : `https://learn.microsoft.com/azure/api-management/${name}-policy`;
}

/** Elements whose children are policies of the same section; those of any other element are its own business. */
const containers: ReadonlySet<string> = new Set(["choose", "when", "otherwise", "retry", "limit-concurrency", "wait", "block"]);

export function containsPolicies(name: string): boolean {
  return containers.has(name);
}
