import { everyScope } from "../catalogue/types.ts";
import type { ScopeName } from "../catalogue.ts";
import { error, type Finding, none, warning } from "./finding.ts";
import type { Context, Place } from "./place.ts";

const notAllowed = "Policy is not allowed in the specified scope";

/**
 * Policies stand at the scopes that they are made for. Where the document's scope is not known, it is a mistake when no single scope
 * takes all that the document has.
 */
export function wrongScope({ places, form, scope }: Context): readonly Finding[] {
  if (form !== "policies" || scope === "fragment") return none;
  return scope === null ? withoutCommonScope(places) : places.flatMap((place) => outOfScope(place, scope));
}

/** Those of a resolver have no scopes: where they stand is a matter of sections. */
function scopesOf({ policy }: Place): readonly ScopeName[] {
  return policy === null || policy.scopes.length === 0 ? everyScope : policy.scopes;
}

function outOfScope(place: Place, scope: ScopeName): readonly Finding[] {
  const { element } = place;
  const scopes = scopesOf(place);
  if (scopes.includes(scope)) return none;
  const fix = `Use it at ${scopes.join(", ")} scope.`;
  // The pages' lists of scopes are older than workspaces.
  return scope === "workspace"
    ? [warning(element, `'${element.name}' is not documented for workspace scope.`, fix)]
    : [error(element, notAllowed, fix)];
}

function withoutCommonScope(places: readonly Place[]): readonly Finding[] {
  let common: readonly ScopeName[] = everyScope;
  const findings: Finding[] = [];
  for (const place of places) {
    const scopes = scopesOf(place);
    const shared = common.filter((scope) => scopes.includes(scope));
    if (shared.length > 0) common = shared;
    else {
      const fix = `Use it at ${scopes.join(", ")} scope; what stands before it needs ${common.join(", ")} scope.`;
      findings.push(error(place.element, notAllowed, fix));
    }
  }
  return findings;
}

/** Attributes that the service has refused at some scopes, though policies that are in use have them there. */
export function attributeOutOfScope({ element, policy, values }: Place, { scope }: Context): readonly Finding[] {
  if (policy === null || scope === null || scope === "fragment") return none;
  return values
    .filter(({ definition: { scopes } }) => scopes !== undefined && !scopes.includes(scope))
    .map(({ attribute, definition: { scopes = [] } }) => {
      const message = `The '${attribute.name}' attribute is unavailable for websocket APIs and global/product policies.`;
      return warning(element, message, `Use it at ${scopes.join(", ")} scope, or remove it.`);
    });
}
