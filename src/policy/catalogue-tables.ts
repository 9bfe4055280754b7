import {
  type AttributeDefinition,
  type ChildDefinition,
  type Content,
  type ElementDefinition,
  everyGateway,
  everyScope,
  everySection,
  type PolicyDefinition,
} from "./catalogue/types.ts";
import { catalogue, type Policy, referencePage } from "./catalogue.ts";

/** The catalogue of policies for people: a table for each subject. */
export function catalogueTables(): string {
  return Object.entries(catalogue)
    .map(([subject, policies]) => {
      const rows = Object.entries(policies).map(([name, definition]) => row({ name, ...definition }));
      return [`### ${subject}`, "", "| Policy | Where | Attributes | Content |", "| --- | --- | --- | --- |", ...rows].join("\n");
    })
    .join("\n\n");
}

function row(policy: Policy): string {
  const page = referencePage(policy);
  const name = page === null ? `\`${policy.name}\`` : `[\`${policy.name}\`](${page})`;
  const aliases = (policy.aliases ?? []).map((alias) => `, \`${alias}\``).join("");
  return `| ${name}${aliases} | ${where(policy)} | ${attributes(policy)} | ${contentInWords(policy.content)} |`;
}

function where(policy: PolicyDefinition): string {
  const usage = [
    policy.sections.length === 0 ? "" : listOrAll(policy.sections, everySection, "sections"),
    policy.scopes.length === 0 ? "" : listOrAll(policy.scopes, everyScope, "scopes"),
    listOrAll(policy.gateways, everyGateway, "gateways"),
    policy.resolver ? "a document of its own" : "",
    policy.once === undefined ? "" : `once per ${policy.once}${policy.onceDisputed ? " (disputed)" : ""}`,
    policy.inFragment === undefined ? "" : `not in fragments${policy.inFragment === "disputed" ? " (disputed)" : ""}`,
  ];
  return policy.undocumented ? "not documented" : usage.filter((part) => part !== "").join("; ");
}

function listOrAll(names: readonly string[], all: readonly string[], noun: string): string {
  return names.length === all.length ? `all ${noun}` : names.join(", ");
}

function attributes({ attributes: definitions = {} }: ElementDefinition): string {
  return Object.entries(definitions)
    .map(([name, definition]) => attribute(name, definition))
    .join("<br>");
}

function attribute(name: string, { type, required, expression, default: usual, range }: AttributeDefinition): string {
  const mark = { yes: " @", no: "", unknown: " @?" }[expression];
  const details = [
    typeof type === "string" ? type : type.join(" \\| "),
    range?.min === undefined ? "" : `≥ ${range.min}`,
    range?.max === undefined ? "" : `≤ ${range.max}`,
    range?.except === undefined ? "" : `or ${range.except}`,
    usual === undefined ? "" : `default ${usual}`,
  ];
  return `${required === true ? `**${name}**` : name}${mark} (${details.filter((part) => part !== "").join(", ")})`;
}

function contentInWords(content: Content = "empty"): string {
  if (typeof content === "string")
    return { empty: "", text: "text", name: "a name", uri: "an address", any: "anything", policies: "policies" }[content];
  const children = Object.entries(content.elements).map(([name, child]) => `${child.required ? `**${name}**` : name}${occurrence(child)}`);
  return `${children.join(content.order === "sequence" ? ", then " : ", ")}${content.text ? ", text" : ""}`;
}

function occurrence({ max = 1 }: ChildDefinition): string {
  if (max === 1) return "";
  return Number.isFinite(max) ? ` (≤ ${max})` : "…";
}
