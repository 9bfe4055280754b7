import { sections } from "../catalogue.ts";
import { error, type Finding, none, warning } from "./finding.ts";
import type { Context, Place } from "./place.ts";

/** https://learn.microsoft.com/azure/api-management/policy-fragments */

/** A fragment holds policies, not sections. */
export function sectionInFragment({ element, parent }: Place, { form }: Context): readonly Finding[] {
  if (form !== "fragment" || parent?.parent !== null || !sections.some((name) => name === element.name)) return none;
  return [error(element, `Section '${element.name}' is not allowed in a policy fragment.`, "Keep only what stands in the section.")];
}

export function baseInFragment({ element, parent }: Place, { form }: Context): readonly Finding[] {
  if (form !== "fragment" || element.name !== "base" || parent?.definition?.content !== "policies") return none;
  return [error(element, "'base' is not allowed in a policy fragment.", "Put <base /> into the policy that includes the fragment.")];
}

/** A policy that is not supported in a fragment, another fragment among them. */
export function notInFragment({ element, policy }: Place, { form }: Context): readonly Finding[] {
  if (form !== "fragment" || policy?.inFragment === undefined) return none;
  if (policy.name === "include-fragment") {
    return [error(element, "A policy fragment cannot include another one.", "Include both fragments in the policy.")];
  }
  const fix = "Move it to the policy that includes the fragment.";
  return policy.inFragment === "no"
    ? [error(element, `'${element.name}' is not allowed in a policy fragment.`, fix)]
    : [warning(element, `'${element.name}' is documented as not supported in a policy fragment.`, fix)];
}
