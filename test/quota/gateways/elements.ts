export const own = "@(context.Subscription.Id)";

export const tokenLimit = (tpm: number | string, key = own, element = "llm-token-limit"): string =>
  `<${element} counter-key="${key}" tokens-per-minute="${tpm}" estimate-prompt-tokens="true" />`;

export const tokenQuota = (quota: number | string, period: string, key = own): string =>
  `<llm-token-limit counter-key="${key}" token-quota="${quota}" token-quota-period="${period}" estimate-prompt-tokens="true" />`;

export const callLimit = (calls: number | string, seconds: number, key = own): string =>
  `<rate-limit-by-key calls="${calls}" renewal-period="${seconds}" counter-key="${key}" />`;

/** A `choose` of conditions and what stands under them; `null` is `otherwise`. */
export function choose(...branches: readonly (readonly [condition: string | null, xml: string])[]): string {
  const lines = branches.map(([condition, xml]) => {
    const [open, close] = condition === null ? ["<otherwise>", "</otherwise>"] : [`<when condition="${condition}">`, "</when>"];
    return `    ${open}\n        ${xml.replaceAll("\n", "\n        ")}\n    ${close}`;
  });
  return `<choose>\n${lines.join("\n")}\n</choose>`;
}

export const isTeam = (id: string): string => `@(context.Subscription.Id == "${id}")`;
export const isProduct = (id: string): string => `@((string)context.Product?.Id == "${id}")`;
export const isDeployment = (name: string): string => `@(context.Request.MatchedParameters["deployment-id"] == "${name}")`;

export const variable = (name: string, value: string | number): string => `<set-variable name="${name}" value="${value}" />`;

export const inbound = (...parts: readonly string[]): string => ["<base />", ...parts].join("\n");
