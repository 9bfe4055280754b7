import { everyScope } from "../catalogue/types.ts";
import type { ScopeName } from "../catalogue.ts";
import { attribute, descendants } from "../document.ts";
import { type Finding, none, warning } from "../rules/finding.ts";
import type { Place } from "../rules/place.ts";
import { literal, policiesNamed, type Subject } from "./subject.ts";

const inherited: ReadonlySet<string> = new Set(["inbound", "outbound", "on-error"]);

/** A section without `<base />` drops what all broader scopes have in theirs; what `<backend>` may leave out is another matter. */
export function missingBase(subject: Subject): readonly Finding[] {
  const { form, places } = subject;
  if (form !== "policies" || !inherits(subject)) return none;
  return places
    .filter(({ element, parent }) => parent?.parent === null && inherited.has(element.name))
    .filter(({ element }) => ![...descendants(element)].some(({ name }) => name === "base"))
    .map(({ element }) =>
      warning(
        element,
        `<${element.name}> has no <base />: what broader scopes do in it (authentication, limits, logging) does not run for these calls.`,
        `Write <base /> as the first of <${element.name}>.`,
      ),
    );
}

/** Of a document whose scope is not known, a `<base />` anywhere shows that there is something to inherit. */
function inherits({ scope, places }: Subject): boolean {
  return scope === null ? places.some(isBase) : scope !== "global" && scope !== "fragment";
}

/** Without a variable for it, the token goes into the Authorization header of every call, to whatever backend the call has. */
export function globalIdentity({ scope, places }: Subject): readonly Finding[] {
  if (scope !== "global") return none;
  return policiesNamed(places, "authentication-managed-identity")
    .filter(({ element }) => attribute(element, "output-token-variable-name") === undefined)
    .map(({ element }) =>
      warning(
        element,
        "At global scope the service's own token goes to the backend of every API, also to those that are not models.",
        "Put it into the policies of the APIs that need it.",
      ),
    );
}

/** Once a broader scope has set `backend-id`, only another `backend-id` overrides it. */
export function urlOverBackend({ scope, places, others }: Subject): readonly Finding[] {
  if (scope === null || scope === "fragment" || !places.some(isBase)) return none;
  const broader = others.find(
    (other) =>
      breadth(other.scope) < breadth(scope) &&
      policiesNamed(other.places, "set-backend-service").some(({ element }) => attribute(element, "backend-id") !== undefined),
  );
  if (broader === undefined) return none;
  return policiesNamed(places, "set-backend-service")
    .filter((place) => attribute(place.element, "base-url") !== undefined && literal(place, "backend-id") === null)
    .map(({ element }) =>
      warning(
        element,
        `The ${broader.title} sets backend-id, which base-url does not override.`,
        "Create a backend for the address, and name it in backend-id.",
      ),
    );
}

const isBase = ({ element }: Place): boolean => element.name === "base";

const breadth = (scope: ScopeName): number => everyScope.indexOf(scope);
