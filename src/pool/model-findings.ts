import { createCommand, versionCommand } from "../gateway/azure-cli.ts";
import { sameName } from "../gateway/model.ts";
import type { ModelAccount, ModelDeployment } from "../gateway/model-accounts.ts";
import type { Member } from "./backend.ts";
import type { Finding } from "./findings.ts";
import type { ApiRoutes } from "./routes.ts";
import { isOtherModel, type MemberModels, memberModels, modelTitle, type Served } from "./served.ts";

/** Names of deployments in one sentence; others are counted. */
const mostNamed = 5;

/** A pool, or a backend that stands alone, and what is served behind it. */
interface ServedPool {
  readonly apiId: string;
  readonly backendId: string;
  readonly members: readonly Member[];
  readonly served: Served;
}

/** What a member answers by, where it is known. */
interface Serving {
  readonly member: Member;
  readonly account: ModelAccount;
  readonly pinned: string | null;
  readonly deployments: readonly ModelDeployment[];
}

/** Which models stand behind the pools that an API goes to, where that harms its callers; each pool once. */
export function modelFindingsOf({ apiId, routes }: ApiRoutes, served: Served): readonly Finding[] {
  const pools = new Map(routes.flatMap(({ backendId, members }) => (backendId === null ? [] : [[backendId, members] as const])));
  return [...pools].flatMap(([backendId, members]) => modelFindings({ apiId, backendId, members, served }));
}

/**
 * Deployments that are missing or are not the same model throughout a pool. Nothing is found of a member whose account is not known, nor between
 * a member whose URL names a deployment and one that leaves it to the call.
 */
export function modelFindings({ apiId, backendId, members, served }: ServedPool): readonly Finding[] {
  const serving = members.flatMap((member): Serving[] => {
    const models: MemberModels = memberModels(member, served);
    return models.kind === "read" ? [{ member, ...models }] : [];
  });
  const named = serving.filter(({ pinned }) => pinned === null);
  const pinned = serving.filter((one) => one.pinned !== null);
  return [
    ...pinned.flatMap((one) => withoutPinned(apiId, one)),
    ...different({ apiId, backendId }, [...byName(named).values(), places(pinned)]),
    ...missing(named),
  ];
}

/** A deployment, and whose it is. */
interface Place {
  readonly serving: Serving;
  readonly deployment: ModelDeployment;
}

const places = (all: readonly Serving[]): readonly Place[] =>
  all.flatMap((serving) => serving.deployments.map((deployment) => ({ serving, deployment })));

/** Under their names in lower case. */
function byName(all: readonly Serving[]): ReadonlyMap<string, readonly Place[]> {
  const found = new Map<string, readonly Place[]>();
  for (const place of places(all)) {
    const name = place.deployment.name.toLowerCase();
    found.set(name, [...(found.get(name) ?? []), place]);
  }
  return found;
}

function different(
  { apiId, backendId }: Pick<ServedPool, "apiId" | "backendId">,
  groups: readonly (readonly Place[])[],
): readonly Finding[] {
  const found = groups.flatMap((group) => {
    // The others are held against the one that most callers know.
    const [first] = group.toSorted((a, b) => b.serving.member.share - a.serving.member.share);
    const others = first === undefined ? [] : group.filter(({ deployment }) => isOtherModel(first.deployment, deployment));
    const [other] = others;
    return first === undefined || other === undefined ? [] : [{ group, first, other }];
  });
  const [one] = found;
  if (one === undefined) return [];
  const texts = found.map(({ group }) => differentText(group));
  const more = found.length > 1 ? " The others likewise." : "";
  return [
    {
      code: "different_models",
      severity: "problem",
      text: `Behind ${backendId} ${some(texts, "; ")}: callers get another model at a failover, and nothing tells them.`,
      fix: `${alike(apiId, backendId, one.first, one.other)}${more}`,
    },
  ];
}

function differentText(group: readonly Place[]): string {
  const names = new Set(group.map(({ deployment }) => deployment.name.toLowerCase()));
  const whole = names.size === 1 ? `deployment '${group[0]?.deployment.name}' is ` : "";
  const parts = group.map(
    ({ serving: { member }, deployment }) =>
      `${whole === "" ? `'${deployment.name}' is ` : ""}${modelTitle(deployment)} at ${member.backendId}`,
  );
  return `${whole}${parts.join(", ")}`;
}

/** Assumed: a deployment can be given another version of its model in place, and not another model. */
function alike(apiId: string, backendId: string, { deployment: wanted }: Place, { serving, deployment }: Place): string {
  if (sameName(wanted.model, deployment.model) && wanted.version !== null) {
    return versionCommand(serving.account, deployment.name, wanted.version);
  }
  const request = { api_id: apiId, pool_id: backendId, remove: [serving.member.backendId] };
  return `Deploy ${modelTitle(wanted)} in account '${serving.account.name}' in place of it; until then update_backend_pool ${JSON.stringify(request)}`;
}

/** A pinned deployment that its own account does not have. */
function withoutPinned(apiId: string, { member, account, pinned, deployments }: Serving): readonly Finding[] {
  if (pinned === null || deployments.length > 0) return [];
  const request = { api_id: apiId, backends: [{ backend_id: member.backendId, url: "..." }] };
  return [
    {
      code: "missing_deployment",
      severity: "problem",
      text: `${member.backendId} goes to deployment '${pinned}', which account '${account.name}' does not have: its calls get 404.`,
      fix: `Name one that it has: update_backend_pool ${JSON.stringify(request)}`,
    },
  ];
}

/** Deployments that only some of the accounts have. A backend of another account may still do for all that this API is asked for. */
function missing(serving: readonly Serving[]): readonly Finding[] {
  const all = [...byName(serving)];
  const lacking = serving.flatMap((one) => {
    const lacks = all.filter(([name]) => !one.deployments.some((deployment) => sameName(deployment.name, name)));
    return lacks.length === 0 ? [] : [{ one, lacks: lacks.flatMap(([, [place]]) => (place === undefined ? [] : [place])) }];
  });
  const [first] = lacking;
  const [like] = first?.lacks ?? [];
  if (first === undefined || like === undefined) return [];
  const texts = lacking.map(
    ({ one: { member }, lacks }) =>
      `${member.backendId} has no deployment ${some(
        lacks.map(({ deployment }) => `'${deployment.name}'`),
        ", ",
      )}`,
  );
  const more = lacking.length > 1 || first.lacks.length > 1 ? " The others likewise." : "";
  return [
    {
      code: "missing_deployment",
      severity: lacking.some(({ one }) => sharesNone(one, all)) ? "problem" : "advice",
      text: `${texts.join("; ")}, which another member has: calls for it get 404 there, which a breaker of 429 and 5xx does not count.`,
      fix: `${createCommand(first.one.account, like.serving.account, like.deployment)}${more}`,
    },
  ];
}

/** Whether a member has nothing of what the others have: then it serves no call, whatever this API is asked for. */
function sharesNone(one: Serving, all: readonly (readonly [string, readonly Place[]])[]): boolean {
  const theirs = all.filter(([, found]) => found.some(({ serving }) => serving !== one));
  return theirs.length > 0 && theirs.every(([, found]) => found.every(({ serving }) => serving !== one));
}

const some = (texts: readonly string[], separator: string): string =>
  texts.length <= mostNamed
    ? texts.join(separator)
    : `${texts.slice(0, mostNamed).join(separator)}${separator}${texts.length - mostNamed} more`;
