import { sameName } from "../gateway/model.ts";
import type { Member } from "./backend.ts";
import { bareMembers } from "./credentials.ts";
import { memberModels, type Served } from "./served.ts";
import type { Flaw } from "./worst-case.ts";

/** What is known to harm all calls that a member of a pool gets. `signedIn`: policies sign in every call. */
export function flawsOf(members: readonly Member[], signedIn: boolean, served: Served): Flaw {
  const bare = new Set(bareMembers(members, signedIn));
  const lacking = new Set(members.filter((member) => servesNone(member, members, served)));
  return (member) => {
    const words = [...(bare.has(member) ? ["credentials (401)"] : []), ...(lacking.has(member) ? ["the deployments (404)"] : [])];
    return words.length === 0 ? null : `, without ${words.join(" and ")}`;
  };
}

/** Whether a member has nothing of what calls ask for by name, or not what its URL names. */
function servesNone(member: Member, members: readonly Member[], served: Served): boolean {
  const models = memberModels(member, served);
  if (models.kind === "unknown") return false;
  if (models.pinned !== null) return models.deployments.length === 0;
  const names = members.flatMap((other) => {
    const theirs = memberModels(other, served);
    return other === member || theirs.kind === "unknown" || theirs.pinned !== null ? [] : theirs.deployments.map(({ name }) => name);
  });
  return names.length > 0 && !names.some((name) => models.deployments.some((deployment) => sameName(deployment.name, name)));
}
