import type { Call } from "./access.ts";
import { brought, constant, eitherOf, following, mergedInputs, shortened } from "./data.ts";
import type { Frame } from "./frame.ts";
import { isText } from "./numbers.ts";
import type { Input, Known, StaticCall, Unknown } from "./values.ts";

/** Of what the parts are told by name. */
const named: ReadonlySet<Input["what"]> = new Set(["body", "claim", "response", "user", "gateway", "certificate", "cache", "query"]);

/** The one input that a value is, whole; null where it is made of several things. */
function onlyInput({ parts: [part, ...others] }: Unknown): Input | null {
  return typeof part === "object" && others.length === 0 ? part : null;
}

/** A part of what is not known. */
export function partOf(value: Unknown, name: string, source: string): Unknown {
  const input = onlyInput(value);
  if (input === null || value.inputs.length > 1 || !named.has(input.what)) return following([value], source);
  if (plumbing.has(name)) return value;
  return brought(input.what, shortened(input.name === "" || name === "" ? input.name + name : `${input.name}.${name}`));
}

/** Members that say nothing about which part of a body or token is meant. */
const plumbing: ReadonlySet<string> = new Set(["Body", "Claims", "Value", "Headers"]);

export function unknownMember(value: Unknown, name: string, source: string): Known {
  return partOf(value, name, source);
}

export function unknownIndexed(value: Unknown, index: Known, source: string, frame: Frame): Known {
  const segment = segmentOf(value, index, frame);
  if (segment !== null) return segment;
  return isText(index) ? partOf(value, index.value, source) : following([value, index], source);
}

/** What only spells another way what it is called on. */
const sameThing: ReadonlySet<string> = new Set(["ToString", "Trim", "ToLower", "ToLowerInvariant", "ToUpper", "ToUpperInvariant"]);

export function unknownMethod(value: Unknown, call: Call): Known {
  const { name, arguments: given, source, frame } = call;
  const [first, second] = given;
  if (sameThing.has(name) && given.length === 0) return value;
  if (name === "Split" && onlyInput(value)?.what === "path" && first?.kind === "constant" && first.value === "/")
    return brought("path", "segments");
  if ((name === "ToArray" || name === "ToList") && given.length === 0) return value;
  if (name === "As" || name === "AsJwt") return name === "AsJwt" ? brought("claim", "") : value;
  if ((name === "Value" || name === "SelectToken" || name === "ElementAt" || name === "Property") && first !== undefined && isText(first)) {
    return partOf(value, first.value, source);
  }
  if (name === "Value" && first === undefined) return value;
  if (name === "GetValueOrDefault" && first !== undefined && isText(first)) {
    const part = partOf(value, first.value, source);
    return second === undefined || second.kind === "constant" ? part : eitherOf(part, second, part.inputs, source);
  }
  if (name === "ElementAtOrDefault" || name === "ElementAt") {
    const segment = first === undefined ? null : segmentOf(value, first, frame);
    if (segment !== null) return segment;
  }
  if (onPath(value)) return pathMethod(value, call);
  return following([value, ...given], source);
}

const onPath = ({ inputs }: Unknown): boolean => inputs.every(({ what }) => what === "path" || what === "deployment");

/**
 * What is asked of a call's path. Assumed: what names `deployments` asks for the deployment, as that segment stands before its name in every
 * path of Azure OpenAI (https://learn.microsoft.com/azure/ai-foundry/openai/reference).
 */
function pathMethod(value: Unknown, { name, arguments: given, source }: Call): Known {
  const written = given.flatMap((argument) => (isText(argument) ? [argument.value] : []));
  if (!written.some((text) => /deployments/i.test(text))) return withoutPath(following([value, ...given], source), source);
  const [asked] = written.flatMap((text) => /^(?:.*\/)?deployments\/([^/]+)\/?/i.exec(text)?.[1] ?? []);
  const deployment = brought("deployment", "deployment-id");
  return name === "Contains" && asked !== undefined && /\/$/.test(written[0] ?? "")
    ? ({ ...following([deployment], source), asks: asked } as Unknown)
    : name === "Split"
      ? { ...deployment, parts: [{ what: "expression", name: shortened(source) }] }
      : following([deployment], source);
}

/** Where the deployment is looked for in the path, the deployment is what counts. */
function withoutPath(value: Unknown, source: string): Unknown {
  const inputs = value.inputs.filter(({ what }) => what !== "path");
  if (inputs.length === 0 || inputs.length === value.inputs.length) return value;
  return following([{ ...value, inputs: mergedInputs(inputs) }], source);
}

/** The deployment that a call asks for. */
export const deploymentOf = ({ deployment }: StaticCall): Known =>
  deployment === undefined ? brought("deployment", "deployment-id") : constant(deployment);

/** The segment of `/openai/deployments/{deployment-id}/...` that an index finds, where the path of the API is known. */
function segmentOf(value: Unknown, index: Known, { call }: Frame): Known | null {
  const input = onlyInput(value);
  if (input?.what !== "path" || input.name !== "segments") return null;
  if (index.kind !== "constant" || typeof index.value !== "number") return null;
  const before = call.api === null ? null : call.api.path.split("/").filter((segment) => segment !== "").length;
  if (before !== null && index.value === before + 2) return deploymentOf(call);
  return brought("path", `segment ${index.value}`);
}
