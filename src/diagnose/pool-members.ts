import { createCommand } from "../gateway/azure-cli.ts";
import type { Inventory } from "../gateway/inventory.ts";
import type { ModelDeployment } from "../gateway/model-accounts.ts";
import type { Member } from "../pool/backend.ts";
import { type ApiRoutes, resolveRoutes } from "../pool/routes.ts";
import { type MemberModels, memberModels } from "../pool/served.ts";
import { findDeployment } from "./accounts.ts";
import { apisAsked } from "./configuration.ts";
import type { Evidence } from "./evidence.ts";
import { servingOf } from "./policies-in-effect.ts";
import type { Failure } from "./traffic.ts";

/** Where the calls go that are asked about. */
export const routesOf = (inventory: Inventory, evidence: Evidence): readonly ApiRoutes[] =>
  apisAsked(inventory, evidence).map((apiId) => resolveRoutes(inventory, evidence.csharp, apiId));

/** The members of each pool that has several. */
export const poolsOf = (routes: readonly ApiRoutes[]): readonly (readonly Member[])[] =>
  routes
    .flatMap((one) => one.routes)
    .map(({ members }) => members.filter(({ url }) => url !== null))
    .filter((members) => members.length > 1);

type KnownModels = Extract<MemberModels, { kind: "read" }>;

/** What stands behind a member; null where that is not known. */
export function behind(member: Member, { accounts }: Evidence): KnownModels | null {
  const models = memberModels(member, accounts.served);
  return models.kind === "read" ? models : null;
}

interface Known {
  readonly member: Member;
  readonly models: KnownModels;
}

/** A deployment that some members of a pool have and others have not. */
export interface Lack {
  readonly deployment: string;
  readonly lacking: readonly Member[];
  readonly having: readonly Member[];
  /** Creates it where it is missing, as one that has it has it. */
  readonly todo: string;
}

/** What members lack of this name; null where all or none of those that are known have it. */
export function lackOf(members: readonly Member[], deployment: string, evidence: Evidence): Lack | null {
  const open = members.flatMap((member): readonly Known[] => {
    const models = behind(member, evidence);
    return models?.pinned === null ? [{ member, models }] : [];
  });
  const having = open.flatMap((one): readonly (Known & { readonly own: ModelDeployment })[] => {
    const own = findDeployment(one.models.deployments, deployment);
    return own === undefined ? [] : [{ ...one, own }];
  });
  const lacking = open.filter(({ models }) => findDeployment(models.deployments, deployment) === undefined);
  const [like] = having;
  if (like === undefined || lacking.length === 0) return null;
  return {
    deployment: like.own.name,
    lacking: lacking.map(({ member }) => member),
    having: having.map(({ member }) => member),
    todo: lacking.map(({ models: { account } }) => createCommand(account, like.models.account, like.own)).join("; "),
  };
}

/** Why a backend has not the deployment that it was asked for, where another member of its pool has it; null where that is not known. */
export function lackBehind({ backend, deployment }: Pick<Failure, "backend" | "deployment">, evidence: Evidence): Lack | null {
  if (backend === null || deployment === null) return null;
  const inventory = servingOf(evidence);
  const pools = inventory === null ? [] : poolsOf(routesOf(inventory, evidence));
  const lacks = pools.flatMap((members) => lackOf(members, deployment, evidence) ?? []);
  return lacks.find(({ lacking }) => lacking.some(({ backendId }) => backendId === backend)) ?? null;
}
