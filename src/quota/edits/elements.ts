import { attribute, descendants, type Element, type PolicyDocument, parse } from "../../policy/document.ts";
import { attributeText, setAttribute } from "../../policy/edit.ts";
import type { Limit } from "../limit.ts";
import { copyOf, withoutAttributes } from "./branch.ts";

type NumberAttribute = "tokens-per-minute" | "token-quota" | "calls";

/** The attribute of its element that holds a limit's number. */
export function attributeOf({ kind, element }: Pick<Limit, "kind" | "element">): NumberAttribute {
  if (!isTokenLimit(element.name)) return "calls";
  return kind === "token_quota" ? "token-quota" : "tokens-per-minute";
}

export const isTokenLimit = (name: string): boolean => name === "llm-token-limit" || name === "azure-openai-token-limit";

/** Attributes of a limit to be set in a copy; what is undefined stays. */
export interface OwnValues {
  readonly number: number;
  readonly window?: Window;
  readonly counterKey?: string;
}

/** The attribute that says for how long a limit counts, where it is to say something else. */
export interface Window {
  readonly attribute: "token-quota-period" | "renewal-period";
  readonly value: string;
}

/** A copy of a limit's element with values of the team's own. A `rate-limit` may stand only once in a policy: its copy is one by key. */
export function ownCopy(document: PolicyDocument, limit: Limit, values: OwnValues): string {
  const { element } = limit;
  const name = attributeOf(limit);
  if (element.name === "rate-limit" || element.name === "quota") return copyByKey(document, element, name, values);
  return copyOf(document, element, (copy, root) => [
    setAttribute(copy, root, name, String(values.number)),
    ...(values.window === undefined ? [] : [setAttribute(copy, root, values.window.attribute, values.window.value)]),
    ...(values.counterKey === undefined ? [] : [setAttribute(copy, root, "counter-key", values.counterKey)]),
  ]);
}

function copyByKey(document: PolicyDocument, element: Element, changed: string, values: OwnValues): string {
  const { number, window, counterKey = teamKey } = values;
  const attributes = element.attributes.map(({ name, span }) => {
    if (name === changed) return `${changed}="${number}"`;
    return name === window?.attribute ? `${name}="${window.value}"` : document.source.slice(span.start, span.end);
  });
  return `<${element.name}-by-key ${attributes.join(" ")} counter-key="${attributeText(counterKey, '"')}" />`;
}

export const teamKey = "@(context.Subscription.Id)";

/** What a limit says of what is left: of the counter that stands behind it, and not of the team's own. */
const tells = (name: string): boolean => /^(?:remaining|tokens-consumed|total)-.*-name$/.test(name);

/** A limit on a counter of the team's own, made after one on a counter that it shares: the same window, and nothing else of it. */
export function stackedCopy(document: PolicyDocument, limit: Limit, { number, window, counterKey = teamKey }: OwnValues): string {
  const name = attributeOf(limit);
  const others = name === "tokens-per-minute" ? ["token-quota", "token-quota-period"] : name === "token-quota" ? ["tokens-per-minute"] : [];
  const kept = copyOf(document, limit.element, (copy, root) => withoutAttributes(copy, root, (one) => others.includes(one) || tells(one)));
  const copy = parse(kept);
  if (copy.root === null) throw new Error(`the copy of <${limit.element.name}> has no element`);
  return ownCopy(copy, { ...limit, element: copy.root }, { number, counterKey, ...(window === undefined ? {} : { window }) });
}

/** A limit where there is none, as the service's other ones are written. */
export function newElement(kind: Limit["kind"], { number, window, counterKey = teamKey }: OwnValues, style: Style): string {
  const key = attributeText(counterKey, '"');
  if (kind === "rpm") return `<rate-limit-by-key calls="${number}" renewal-period="60" counter-key="${key}" />`;
  const values =
    kind === "tpm" ? `tokens-per-minute="${number}"` : `token-quota="${number}" token-quota-period="${window?.value ?? "Monthly"}"`;
  return `<${style.tokenLimit} counter-key="${key}" ${values} estimate-prompt-tokens="${style.estimates}" />`;
}

/** How a service writes its token limits. */
export interface Style {
  readonly tokenLimit: string;
  readonly estimates: string;
}

/** After the first token limit that there is, in the order of the documents; `llm-token-limit` without any. */
export function styleOf(documents: Iterable<string>): Style {
  for (const source of documents) {
    if (!/<(?:llm|azure-openai)-token-limit/.test(source)) continue;
    const { root } = parse(source);
    const found = root === null ? undefined : [...descendants(root)].find(({ name }) => isTokenLimit(name));
    if (found === undefined) continue;
    const estimates = attribute(found, "estimate-prompt-tokens")?.trim();
    return { tokenLimit: found.name, estimates: estimates === "true" ? "true" : "false" };
  }
  return { tokenLimit: "llm-token-limit", estimates: "false" };
}
