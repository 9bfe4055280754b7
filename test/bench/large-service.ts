import { sandboxService } from "../../src/sandbox/service.ts";
import type { World } from "../../src/sandbox/world.ts";

/** How much a service has. */
export interface Size {
  readonly subscriptions: number;
  readonly products: number;
  readonly apis: number;
  /** Of each API, those with a policy of their own; it has one more without. */
  readonly operationPolicies: number;
}

/** The largest that the bounds are stated for. */
export const largeService: Size = { subscriptions: 10_000, products: 500, apis: 50, operationPolicies: 1 };

const policy = (inbound: string) => ({
  format: "rawxml",
  value: `<policies><inbound><base />${inbound}</inbound><backend><base /></backend><outbound><base /></outbound><on-error><base /></on-error></policies>`,
});

const limit = (tpm: number): string =>
  `<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="${tpm}" estimate-prompt-tokens="false" />`;

/** In which products an API is: of 500 products and 50 APIs each has three. */
export const placesIn = (product: number, apis: number): readonly number[] =>
  apis === 0 ? [] : [...new Set([0, 7, 19].map((step) => (product + step) % apis))];

/** Fills an empty world with an AI gateway of this size: products with limits of their own, a branch for a team among them. */
export function fillService(world: World, { subscriptions, products, apis, operationPolicies }: Size): void {
  world.put("policies/policy", {
    format: "rawxml",
    value: "<policies><inbound /><backend><forward-request /></backend><outbound /><on-error /></policies>",
  });
  world.put("namedValues/tpm-default", { displayName: "tpm-default", value: "5000", secret: false });
  world.put("policyFragments/identity", {
    format: "rawxml",
    value: '<fragment><authentication-managed-identity resource="https://cognitiveservices.azure.com" /></fragment>',
  });
  for (let api = 0; api < apis; api++) {
    world.put(`apis/api-${api}`, { displayName: `API ${api}`, path: `api-${api}`, subscriptionRequired: true });
    world.put(`apis/api-${api}/policies/policy`, policy('<include-fragment fragment-id="identity" />'));
    for (let operation = 0; operation <= operationPolicies; operation++) {
      const path = `apis/api-${api}/operations/op-${operation}`;
      world.put(path, {
        displayName: `Operation ${operation}`,
        method: "POST",
        urlTemplate: `/deployments/d${operation}/chat/completions`,
      });
      if (operation > 0)
        world.put(
          `${path}/policies/policy`,
          policy(`<rate-limit-by-key calls="60" renewal-period="60" counter-key="@(context.Subscription.Id)" />`),
        );
    }
  }
  for (let product = 0; product < products; product++) {
    const path = `products/product-${product}`;
    const own = product % subscriptions;
    world.put(path, { displayName: `Product ${product}`, state: "published", subscriptionRequired: true });
    for (const api of placesIn(product, apis)) world.put(`${path}/apis/api-${api}`, {});
    const inbound =
      product % 3 === 0
        ? `<choose><when condition="@(context.Subscription.Id == &quot;team-${own}&quot;)">${limit(20_000)}</when><otherwise>${limit(10_000)}</otherwise></choose>`
        : product % 3 === 1
          ? `<llm-token-limit counter-key="@(context.Subscription.Id)" tokens-per-minute="{{tpm-default}}" estimate-prompt-tokens="false" />`
          : limit(1000 + product);
    world.put(`${path}/policies/policy`, policy(inbound));
  }
  for (let team = 0; team < subscriptions; team++) {
    world.put(`subscriptions/team-${team}`, {
      displayName: `Team ${team}`,
      scope: `${sandboxService.resourceId}/products/product-${team % products}`,
      state: "active",
      createdDate: "2026-01-12T08:00:00.000Z",
    });
  }
}
