import type { Plan } from "../../../src/change/types.ts";
import type { JsonObject } from "../../../src/gateway/documents.ts";
import type { ProposedDocument } from "../../../src/gateway/proposal.ts";
import {
  apiPolicy,
  backendProperties,
  limitPolicy,
  pool,
  poolProperties,
  productPolicy,
  rewritten,
  routePolicy,
  type Service,
  secondRegion,
  signingBackend,
  west,
} from "../service.ts";

export const namedValue = "namedValues/tpm";
export const fragment = "policyFragments/team-limit";

export type Action = "create" | "update" | "delete";

export interface PlannedStep {
  readonly id: string;
  readonly action: Action;
}

/** What stands where, by document id; null: nothing. */
export type Contents = Readonly<Record<string, JsonObject | null>>;

/** A change of three documents that need one another. */
export interface Scenario {
  readonly name: string;
  /** In the order in which they have to be written. */
  readonly steps: readonly [PlannedStep, PlannedStep, PlannedStep];
  readonly before: Contents;
  readonly intended: Contents;
  /** What someone else writes in our stead. */
  readonly foreign: Contents;
  /** Plans it on a service that is as before. */
  plan(service: Service): Promise<Plan>;
}

const policy = (value: string): JsonObject => ({ format: "rawxml", value });

const foreign = {
  [west]: backendProperties("https://theirs.example/openai"),
  [pool]: { ...poolProperties("east"), pool: { services: [{ id: "/backends/east", priority: 2, weight: 10 }] } },
  [apiPolicy]: policy(`<policies><inbound><base /><set-backend-service backend-id="east" /><!-- theirs --></inbound></policies>`),
  [namedValue]: { displayName: "tpm", value: "7", secret: false },
  [fragment]: policy("<fragment><!-- theirs --></fragment>"),
  [productPolicy]: policy("<policies><inbound><base /><!-- theirs --></inbound></policies>"),
};

const oneRegion: Contents = { [west]: null, [pool]: poolProperties("east"), [apiPolicy]: policy(routePolicy("east")) };
const twoRegions: Contents = {
  [west]: signingBackend("https://west.example/openai"),
  [pool]: poolProperties("east", "west"),
  [apiPolicy]: policy(routePolicy("pool")),
};

const region: Scenario = {
  name: "a new backend, its pool, the route to it",
  steps: [
    { id: west, action: "create" },
    { id: pool, action: "update" },
    { id: apiPolicy, action: "update" },
  ],
  before: oneRegion,
  intended: twoRegions,
  foreign,
  plan: async (service) => service.plan({ documents: await secondRegion(service) }),
};

const including = limitPolicy(200_000).replace(/<llm-token-limit [^>]*>/, `<include-fragment fragment-id="team-limit" />`);
const shared = policy(
  `<fragment><rate-limit-by-key calls="{{tpm}}" renewal-period="60" counter-key="@(context.Subscription.Id)" /></fragment>`,
);

const ownLimit: Contents = {
  [namedValue]: { displayName: "tpm", value: "200000", secret: false },
  [fragment]: null,
  [productPolicy]: policy(limitPolicy(200_000)),
};
const sharedLimit: Contents = {
  [namedValue]: { displayName: "tpm", value: "150000", secret: false },
  [fragment]: shared,
  [productPolicy]: policy(including),
};

const limit: Scenario = {
  name: "a named value, a new fragment, the policy that includes it",
  steps: [
    { id: namedValue, action: "update" },
    { id: fragment, action: "create" },
    { id: productPolicy, action: "update" },
  ],
  before: ownLimit,
  intended: sharedLimit,
  foreign,
  plan: async (service) => service.plan({ documents: await limitDocuments(service) }),
};

async function limitDocuments(service: Service): Promise<readonly ProposedDocument[]> {
  const value = await service.read(namedValue);
  return [
    { id: fragment, before: null, after: shared },
    rewritten(await service.read(productPolicy), () => including),
    { id: namedValue, before: value, after: { ...value.properties, value: "150000" } },
  ];
}

/** The undo of a change that has been applied: the same three documents, one of them deleted. */
const undoOf = ({ name, before, intended, plan }: Scenario, steps: Scenario["steps"]): Scenario => ({
  name: `the undo of: ${name}`,
  steps,
  before: intended,
  intended: before,
  foreign,
  async plan(service) {
    write(service, before);
    const { changeId } = await service.apply(await plan(service));
    return service.planUndo(changeId);
  },
});

export const scenarios: readonly Scenario[] = [
  region,
  limit,
  undoOf(region, [
    { id: pool, action: "update" },
    { id: apiPolicy, action: "update" },
    { id: west, action: "delete" },
  ]),
  undoOf(limit, [
    { id: namedValue, action: "update" },
    { id: productPolicy, action: "update" },
    { id: fragment, action: "delete" },
  ]),
];

/** Puts documents where they stand, past every check. */
export function write({ world }: Pick<Service, "world">, contents: Contents): void {
  for (const [id, properties] of Object.entries(contents)) {
    if (properties === null) world.delete(id);
    else world.put(id, properties);
  }
}
