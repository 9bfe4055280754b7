import { nearest } from "../../errors.ts";
import type { Tier } from "../../gateway/model.ts";
import type { ElementDefinition, Gateway } from "../catalogue/types.ts";
import { catalogue, policyNames, sections } from "../catalogue.ts";
import { error, type Finding, none, warning } from "./finding.ts";
import type { Context, Place } from "./place.ts";

/** The root is <policies>, <fragment>, or the resolver of a GraphQL field. */
export function wrongRoot({ document: { root }, form, scope }: Context): readonly Finding[] {
  if (root === null || (form === "resolver" && scope === null)) return none;
  const expected = scope === null ? (form === "unknown" ? "policies" : form) : scope === "fragment" ? "fragment" : "policies";
  if (expected === root.name) return none;
  const fix = expected === "fragment" ? "Wrap the policies in <fragment>, without sections." : "Wrap the sections in <policies>.";
  return [error(root, `The root element must be '${expected}', not '${root.name}'.`, fix)];
}

/** Between the tags of a section or of a policy such as `choose` stand policies that the catalogue knows. */
export function unknownPolicy({ element, policy, parent }: Place, { form }: Context): readonly Finding[] {
  if (policy !== null || parent?.definition?.content !== "policies" || element.name === "base") return none;
  if (form === "fragment" && sections.some((name) => name === element.name)) return none;
  return [error(element, `The '${element.name}' element is not declared.`, whereItBelongs(element.name))];
}

function whereItBelongs(name: string): string {
  const owners = ownersOf(name);
  if (owners.length > 0) return `Put it into ${owners.map((owner) => `<${owner}>`).join(" or ")}.`;
  const [near] = nearest(name, policyNames(), 1);
  return near === undefined ? "Remove it, or look its name up in the policy reference." : `Did you mean <${near}>?`;
}

/** The policies that have a child of this name. */
function ownersOf(name: string): readonly string[] {
  return Object.values(catalogue)
    .flatMap((table) => Object.entries(table))
    .filter(([, definition]) => hasChild(definition, name))
    .map(([owner]) => owner);
}

function hasChild({ content }: ElementDefinition, name: string): boolean {
  return typeof content === "object" && Object.hasOwn(content.elements, name);
}

/** Another source of Microsoft's has the policy, but the reference has no page for it. */
export function undocumentedPolicy({ element, policy }: Place): readonly Finding[] {
  if (!policy?.undocumented) return none;
  return [warning(element, `The policy '${element.name}' is not documented.`, "Use a policy of the policy reference.")];
}

/** A policy stands in the sections that it is made for, be it inside of `choose` or `retry`. */
export function wrongSection({ element, policy, section }: Place): readonly Finding[] {
  if (policy === null || section === null || policy.sections.includes(section)) return none;
  if (policy.resolver || policy.sections.length === 0) {
    return [error(element, "Policy section is not allowed in the specified scope", "Use it in the policy of a GraphQL resolver.")];
  }
  const places = policy.sections.map((name) => `<${name}>`).join(" or ");
  return [error(element, "Policy is not allowed in this section", `Move it from <${section}> to ${places}.`)];
}

/** `<base />` stands for the policies of the broader scope: once in a section. */
export function repeatedBase({ element, definition }: Place): readonly Finding[] {
  if (definition?.content !== "policies") return none;
  const [, second] = element.children.filter((child) => child.type === "element" && child.name === "base");
  if (second?.type !== "element") return none;
  return [warning(second, `<base /> stands twice in '${element.name}'.`, "Keep one: the policies of the broader scope would run twice.")];
}

/** The schema has `<base />` in sections alone, though it does not look into policies such as `choose`. */
export function misplacedBase({ element, parent }: Place, { form }: Context): readonly Finding[] {
  if (element.name !== "base" || form === "fragment" || parent?.definition?.content !== "policies") return none;
  if (sections.some((name) => name === parent.element.name)) return none;
  return [warning(element, `<base /> is not documented inside of '${parent.element.name}'.`, "Put it directly into the section.")];
}

/** A retry may contain any policy but `wait`, one sentence of its page says; another knows no restriction. */
export function waitInRetry({ element, policy, parent }: Place): readonly Finding[] {
  if (policy?.name !== "wait" || parent?.element.name !== "retry") return none;
  return [warning(element, "'wait' is documented as not allowed in 'retry'.", "Put <retry> into <wait>'s policies, or move <wait> out.")];
}

const gatewaysOf: Readonly<Record<Tier, readonly Gateway[]>> = {
  consumption: ["consumption"],
  // Beside the service's own gateway there may be self-hosted ones and those of workspaces.
  classic: ["classic", "self-hosted", "workspace"],
  v2: ["v2", "workspace"],
};

/** A gateway that the service's tier may have runs the policy. */
export function unsupportedGateway({ element, policy }: Place, { tier }: Context): readonly Finding[] {
  if (policy === null || tier === null) return none;
  const gateways = gatewaysOf[tier];
  if (policy.gateways.some((gateway) => gateways.includes(gateway))) return none;
  const fix = `It runs on: ${policy.gateways.join(", ")}.`;
  return tier === "consumption"
    ? [error(element, "Policy is not allowed in 'Consumption' sku", fix)]
    : [warning(element, `'${element.name}' is not available on the gateways of the ${tier} tier.`, fix)];
}
