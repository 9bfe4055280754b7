import { accountAt, readerCommand } from "../gateway/azure-cli.ts";
import { sameName } from "../gateway/model.ts";
import type { ModelAccount, ModelDeployment, ServedModels } from "../gateway/model-accounts.ts";
import { isModelHost, urlOf } from "./azure-host.ts";
import type { Member } from "./backend.ts";

/** What is served at each host, as `readServedModels` answers it. */
export type Served = ReadonlyMap<string, ServedModels>;

/** What a member's account serves, as far as calls can come to it through the member; or why that is not known. */
export type MemberModels =
  | {
      readonly kind: "read";
      readonly account: ModelAccount;
      /** The deployment that the backend's URL names; null where the call says which. */
      readonly pinned: string | null;
      /** Of a pinned one that alone, and none where the account does not have it. */
      readonly deployments: readonly ModelDeployment[];
    }
  | { readonly kind: "unknown"; readonly reason: string; readonly fix: string | null };

/** Hosts of members, each once. */
export const hostsOf = (members: readonly Pick<Member, "url">[]): readonly string[] => [
  ...new Set(members.flatMap(({ url }) => urlOf(url ?? undefined)?.hostname ?? [])),
];

/** The URL that a route leads to, where Azure serves models at it: what is asked of a member can be asked of it. */
export function modelUrl({
  kind,
  url,
}: {
  readonly kind: string;
  readonly url: string | null;
}): readonly Pick<Member, "backendId" | "url">[] {
  const to = kind === "url" ? urlOf(url ?? undefined) : null;
  return to === null || url === null || !isModelHost(to) ? [] : [{ backendId: url, url }];
}

/** What a member serves, out of what is served at its host. */
export function memberModels({ backendId, url, isMissing }: Pick<Member, "backendId" | "url" | "isMissing">, served: Served): MemberModels {
  const to = urlOf(url ?? undefined);
  if (to === null) return unknown(isMissing === true ? `backend '${backendId}' does not exist` : `'${backendId}' has no URL of its own`);
  const host = to.hostname.toLowerCase();
  const models = served.get(host);
  if (models === undefined) return unknown("it was not read");
  switch (models.kind) {
    case "unseen":
      return isModelHost(to)
        ? unknown(`no account that this server may read is at ${host}`, readerCommand(accountAt(host)))
        : unknown(`${host} is no Azure model host`);
    case "refused": {
      const { account, error } = models;
      const fix = error.code === "forbidden" && account !== null ? readerCommand(account.resourceId) : (error.hint ?? null);
      return unknown(`${account === null ? "the accounts" : `account '${account.name}'`} cannot be read (${error.code})`, fix);
    }
    case "read": {
      const { account, deployments } = models;
      const pinned = pinnedDeployment(to);
      return {
        kind: "read",
        account,
        pinned,
        deployments: pinned === null ? deployments : deployments.filter(({ name }) => sameName(name, pinned)),
      };
    }
  }
}

const unknown = (reason: string, fix: string | null = null): MemberModels => ({ kind: "unknown", reason, fix });

/** The deployment that a backend's URL names: `https://a.openai.azure.com/openai/deployments/gpt-4o`. */
export function pinnedDeployment({ pathname }: URL): string | null {
  const name = /\/deployments\/([^/]+)/i.exec(pathname)?.[1];
  if (name === undefined) return null;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** Why nothing is known of some of the members, in words with what mends it; those with the same reason together. */
export function unknownText(members: readonly Pick<Member, "backendId" | "url" | "isMissing">[], served: Served): readonly string[] {
  const reasons = new Map<string, { readonly ids: readonly string[]; readonly fix: string | null }>();
  for (const member of members) {
    const models = memberModels(member, served);
    if (models.kind === "read") continue;
    const { ids, fix } = reasons.get(models.reason) ?? { ids: [], fix: models.fix };
    if (!ids.includes(member.backendId)) reasons.set(models.reason, { ids: [...ids, member.backendId], fix });
  }
  return [...reasons].map(([reason, { ids, fix }]) => `of ${ids.join(", ")}: ${reason}${fix === null ? "" : `. ${fix}`}`);
}

/** Whether two are known to be different models; a version that Azure does not say differs from none. */
export const isOtherModel = (a: ModelDeployment, b: ModelDeployment): boolean =>
  !sameName(a.model, b.model) || (a.version !== null && b.version !== null && !sameName(a.version, b.version));

/** `gpt-4o 2024-11-20`. */
export const modelTitle = ({ model, version }: Pick<ModelDeployment, "model" | "version">): string =>
  version === null ? model : `${model} ${version}`;
