import { type Judged, judge, type Verdicts } from "../../../src/change/guards/index.ts";
import type { OperatorRules, Protected } from "../../../src/change/guards/names.ts";
import type { DocumentId, JsonObject, ListedDocument } from "../../../src/gateway/documents.ts";
import type { Inventory } from "../../../src/gateway/inventory.ts";
import type { Subscription } from "../../../src/gateway/model.ts";
import type { LimitChange, ProposedDocument } from "../../../src/gateway/proposal.ts";
import { loadGrammar } from "../../../src/grammar.ts";
import { inventoryOf, type Parts } from "../../pool/service.ts";

export const csharp = await loadGrammar();

/** A policy with this inbound section; the other sections are left out. */
export const policy = (inbound: string, rest = "<backend><base /></backend>"): JsonObject => ({
  format: "rawxml",
  value: `<policies><inbound>${inbound}</inbound>${rest}</policies>`,
});
export const route = (backend: string): string => `<set-backend-service backend-id="${backend}" />`;
/** A policy that sends its calls to this backend. */
export const to = (backend: string): JsonObject => policy(`<base />${route(backend)}`);
export const textOf = (properties: JsonObject): string => String(properties.value);
export const fragment = (content: string): JsonObject => ({ format: "rawxml", value: `<fragment>${content}</fragment>` });
export const pool = (...members: readonly string[]): JsonObject => ({
  type: "Pool",
  pool: { services: members.map((name) => ({ id: `/backends/${name}` })) },
});
export const identity: JsonObject = { credentials: { managedIdentity: { resource: "https://cognitiveservices.azure.com" } } };
export const single = (more: JsonObject = {}): JsonObject => ({ url: "https://x.example", protocol: "http", ...more });
export const namedValue = (displayName: string, value: string): JsonObject => ({ displayName, value });

export const jwt = `<validate-jwt header-name="Authorization"><openid-config url="https://x" /></validate-jwt>`;

/** Documents as a change has them; `before` null where there is none. */
export const proposed = (id: DocumentId, before: JsonObject | null, after: JsonObject | null): ProposedDocument => ({
  id,
  before: before === null ? null : { id, etag: '"1"', properties: before },
  after,
});

/** A change of one document, nothing known of the service. */
export const document = (id: DocumentId, before: JsonObject | null, after: JsonObject | null): Judged => ({
  documents: [proposed(id, before, after)],
  service: null,
});

export const limits = (...changes: readonly Partial<LimitChange>[]): Judged => ({
  documents: [],
  service: null,
  limits: changes.map((change) => ({ subscriptionId: "growth", kind: "tpm", before: 1000, after: 1000, intended: true, ...change })),
});

/** A service; `teams` are subscriptions by the id of their product, or `apis` for all APIs. */
export function serviceOf(parts: Parts, teams: Readonly<Record<string, string>> = {}): Inventory {
  const subscriptions = Object.entries(teams).map(
    ([id, productId]): Subscription => ({
      id,
      displayName: id,
      state: "active",
      scope: productId === "apis" ? { kind: "apis" } : { kind: "product", productId },
    }),
  );
  return { ...inventoryOf(parts), subscriptions };
}

/** A change of a service: what each document is to be. */
export function change(service: Inventory, after: Readonly<Record<DocumentId, JsonObject | null>>): Judged {
  const documents: readonly ListedDocument[] = [
    ...service.policies.values(),
    ...service.fragments,
    ...service.namedValues,
    ...service.backends,
  ];
  return {
    service: { inventory: service, csharp },
    documents: Object.entries(after).map(([id, properties]) =>
      proposed(id, documents.find((live) => live.id === id)?.properties ?? null, properties),
    ),
  };
}

export const rules = (more: Partial<OperatorRules> = {}): OperatorRules => ({ allowOverride: [], protect: [], ...more });

/** `api:chat`, as the operator writes it. */
export function protecting(...things: readonly `${Protected["kind"]}:${string}`[]): readonly Protected[] {
  const kinds = ["api", "product", "subscription", "backend"] as const;
  return things.flatMap((thing) =>
    kinds.filter((kind) => thing.startsWith(`${kind}:`)).map((kind) => ({ kind, name: thing.slice(kind.length + 1) })),
  );
}

export const judged = (subject: Judged, protect: readonly Protected[] = []): Verdicts => judge(subject, [], rules({ protect }));

/** Without an override there are only these. */
export const verdictOf = (subject: Judged, guard: string, protect: readonly Protected[] = []): string =>
  judged(subject, protect).guards.find(({ name }) => name === guard)?.verdict ?? "absent";

export const messageOf = (subject: Judged, guard: string, protect: readonly Protected[] = []): string | undefined =>
  judged(subject, protect).guards.find(({ name }) => name === guard)?.message;
