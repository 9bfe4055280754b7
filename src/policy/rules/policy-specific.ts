import { attribute, childElements, type Element } from "../document.ts";
import { isUnfinished } from "./children.ts";
import { error, type Finding, judged, none, warning } from "./finding.ts";
import type { Context, Place } from "./place.ts";

const metricPolicies: ReadonlySet<string> = new Set(["emit-metric", "llm-emit-token-metric", "azure-openai-emit-token-metric"]);

/**
 * Names whose value the gateway fills in (https://learn.microsoft.com/azure/api-management/llm-emit-token-metric-policy). Assumed of
 * the last one: published gateways use it so.
 */
const defaultDimensions: ReadonlySet<string> = new Set([
  "API ID",
  "Operation ID",
  "Product ID",
  "User ID",
  "Subscription ID",
  "Location",
  "Gateway ID",
  "Backend ID",
]);

/** Dimensions with a value of their own; more may be ignored. */
const maximumCustomDimensions = 5;

function dimensionsOf({ element, definition }: Place): readonly Element[] {
  return definition !== null && metricPolicies.has(element.name) ? childElements(element, "dimension") : [];
}

export function duplicateDimension(place: Place): readonly Finding[] {
  const seen = new Set<string>();
  const findings: Finding[] = [];
  for (const dimension of dimensionsOf(place)) {
    const name = attribute(dimension, "name");
    if (name === undefined) continue;
    if (seen.has(name)) findings.push(error(dimension, `Duplicate dimension '${name}'.`, "Remove one of the two, or rename it."));
    seen.add(name);
  }
  return findings;
}

export function tooManyDimensions(place: Place): readonly Finding[] {
  const custom = dimensionsOf(place).filter((dimension) => !defaultDimensions.has(attribute(dimension, "name") ?? ""));
  const first = custom[maximumCustomDimensions];
  if (first === undefined) return none;
  const message = `${custom.length} custom dimensions; at most ${maximumCustomDimensions} are documented.`;
  return [warning(first, message, "Keep the dimensions that reports are made by.")];
}

/** A dimension without a value is one that the gateway knows. */
export function dimensionWithoutValue(place: Place): readonly Finding[] {
  return dimensionsOf(place)
    .filter((dimension) => attribute(dimension, "value") === undefined)
    .flatMap((dimension) => {
      const name = attribute(dimension, "name");
      if (name === undefined || defaultDimensions.has(name) || /[@{]/.test(name)) return none;
      const message = `The dimension '${name}' needs a value: it is none of the default dimensions.`;
      return [warning(dimension, message, `Add value="..."; without one: ${[...defaultDimensions].join(", ")}.`)];
    });
}

/** A request that does not copy the caller's needs an address and a method of its own. */
export function incompleteRequest({ element, definition, values }: Place, context: Context): readonly Finding[] {
  if (definition === null || (element.name !== "send-request" && element.name !== "send-one-way-request")) return none;
  if (isUnfinished(element, context)) return none;
  const mode = values.find((value) => value.attribute.name === "mode")?.meaning;
  if (mode !== undefined && (mode.kind !== "literal" || mode.text.trim() !== "new")) return none;
  const names = new Set(childElements(element).map(({ name }) => name));
  return ["set-url", "set-method"]
    .filter((name) => !names.has(name))
    .map((name) => {
      const message = `'${element.name}' has no <${name}>, which mode "new" asks for.`;
      return judged(name === "set-method", element, message, `Add <${name}>, or write mode="copy".`);
    });
}
