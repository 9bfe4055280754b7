export const sections = ["inbound", "backend", "outbound", "on-error"] as const;
export type Section = (typeof sections)[number];

/** What is known of one policy element. */
export interface PolicyElement {
  readonly name: string;
  /** The sections in which it may stand. */
  readonly sections: readonly Section[];
}

const everywhere: readonly Section[] = sections;

/**
 * Policy elements with their sections, after the pages of the policy reference
 * (https://learn.microsoft.com/azure/api-management/api-management-policies). Where real policies show a page to be too strict (`trace` and
 * `set-body` in `on-error`, `authentication-managed-identity` in `outbound`), the wider rule stands.
 */
const elements: readonly PolicyElement[] = [
  { name: "llm-token-limit", sections: ["inbound"] },
  { name: "azure-openai-token-limit", sections: ["inbound"] },
  { name: "llm-emit-token-metric", sections: ["inbound"] },
  { name: "azure-openai-emit-token-metric", sections: ["inbound"] },
  { name: "llm-semantic-cache-lookup", sections: ["inbound"] },
  { name: "azure-openai-semantic-cache-lookup", sections: ["inbound"] },
  { name: "llm-semantic-cache-store", sections: ["outbound"] },
  { name: "azure-openai-semantic-cache-store", sections: ["outbound"] },
  { name: "llm-content-safety", sections: ["inbound", "outbound"] },
  { name: "set-backend-service", sections: ["inbound", "backend"] },
  { name: "authentication-managed-identity", sections: ["inbound", "outbound"] },
  { name: "retry", sections: everywhere },
  { name: "forward-request", sections: ["backend"] },
  { name: "rate-limit", sections: ["inbound"] },
  { name: "rate-limit-by-key", sections: ["inbound"] },
  { name: "quota", sections: ["inbound"] },
  { name: "quota-by-key", sections: ["inbound"] },
  { name: "choose", sections: everywhere },
  { name: "set-variable", sections: everywhere },
  { name: "set-header", sections: everywhere },
  { name: "set-body", sections: everywhere },
  { name: "cache-lookup", sections: ["inbound"] },
  { name: "cache-store", sections: ["outbound"] },
  { name: "cache-lookup-value", sections: everywhere },
  { name: "cache-store-value", sections: everywhere },
  { name: "include-fragment", sections: everywhere },
  { name: "validate-jwt", sections: ["inbound"] },
  { name: "validate-azure-ad-token", sections: ["inbound"] },
  { name: "emit-metric", sections: everywhere },
  { name: "trace", sections: everywhere },
  { name: "limit-concurrency", sections: everywhere },
  { name: "wait", sections: ["inbound", "backend", "outbound"] },
  { name: "send-request", sections: everywhere },
  { name: "return-response", sections: everywhere },
];

const byName = new Map(elements.map((element) => [element.name, element]));

/** The element's entry; undefined for one that is not in the catalogue, about which nothing can be said. */
export function policyElement(name: string): PolicyElement | undefined {
  return byName.get(name);
}

/** Elements whose children are policies of the same section; those of any other element are its own business. */
const containers: ReadonlySet<string> = new Set(["choose", "when", "otherwise", "retry", "limit-concurrency", "wait"]);

export function containsPolicies(name: string): boolean {
  return containers.has(name);
}
