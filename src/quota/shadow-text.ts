import { GatewayError } from "../errors.ts";
import { type Subscription, sameName, subscriptionName } from "../gateway/model.ts";
import { shadowCause } from "../gateway/shadow.ts";
import { attribute, childElements, descendants, type Element, type PolicyDocument } from "../policy/document.ts";
import { attributeText, type Edit, insertAfter, removeAttribute, replaceElement, setAttribute } from "../policy/edit.ts";
import { startOfSpaceBefore } from "../policy/indentation.ts";

/** A limit that only records what it would have refused, as it stands in a document. */
interface Shadow {
  /** The `choose` that it is written as. */
  readonly element: Element;
  /** Tokens per minute; null where no number stands there. */
  readonly proposed: number | null;
  /** The variable that it reads the remaining tokens from. */
  readonly variable: string;
}

export interface ShadowNumbers {
  /** Whose shadow it is: the text knows it by the name that no other subscription has. */
  readonly subscription: Pick<Subscription, "id" | "workspaceId">;
  /** Tokens per minute of the limit that it stands on: a number, or the reference to the named value that holds it. */
  readonly enforced: string;
  /** Tokens per minute. */
  readonly proposed: number;
}

const variableAttribute = "remaining-tokens-variable-name";
const ownVariable = "shadow-remaining-tokens";

/** Letters and hyphens: what names of metrics may have besides, nobody documents for API Management. */
const metricName = "shadow-token-rate-limit";

/**
 * Puts a shadow of one team behind a token limit, or changes the one that it has there. The limit gets `remaining-tokens-variable-name` where it
 * has none: its number, key and counters stay as they are for everyone. Calls that the limit refuses do not come to the shadow.
 *
 * The shadow stands straight behind the limit and not in `<outbound>`: there calls of failed backends would be missing, and the limit that judges
 * a call judges it before it is sent, too. Assumed: the variable is set when the limit has run, in inbound, as "after each policy execution" says
 * (https://learn.microsoft.com/azure/api-management/llm-token-limit-policy#attributes), with what is left of `tokens-per-minute` behind the
 * estimated prompt. What its type is nobody says: the text is read by `TryParse`, which cannot fail a call.
 */
export function shadowEdits(document: PolicyDocument, limit: Element, numbers: ShadowNumbers): readonly Edit[] {
  const existing = shadowOf(document, limit, subscriptionName(numbers.subscription));
  const named = variableOf(limit);
  const variable = named ?? unusedVariable(document);
  const xml = shadowXml(numbers, variable);
  return [
    ...(named === null ? [setAttribute(document, limit, variableAttribute, variable)] : []),
    existing === null ? insertAfter(document, limit, xml) : replaceElement(document, existing.element, xml),
  ];
}

/** Takes away a team's shadow of a limit, and the variable with it where nothing else reads that. No edits where there is none. `team`: as `subscriptionName` says it. */
export function withoutShadowEdits(document: PolicyDocument, limit: Element, team: string): readonly Edit[] {
  const shadow = shadowOf(document, limit, team);
  if (shadow === null) return [];
  const { start, end } = shadow.element.span;
  // What `insertAfter` has put there: the element and the space before it.
  const removed: Edit = { span: { start: startOfSpaceBefore(document.source, start), end }, text: "" };
  const elsewhere = document.source.slice(0, start) + document.source.slice(end);
  const isOurs = shadow.variable.startsWith(ownVariable) && variableOf(limit) === shadow.variable;
  // Once in the attribute itself.
  const unread = elsewhere.split(`"${shadow.variable}"`).length === 2;
  return isOurs && unread ? [removeAttribute(document, limit, variableAttribute), removed] : [removed];
}

/**
 * The team's shadow that stands behind a limit: beside it, or beside what holds it, with no other limit between them that sets the same variable.
 * Throws `unsupported` where somebody has put other policies into it.
 */
export function shadowOf(document: PolicyDocument, limit: Element, team: string): Shadow | null {
  return behind(limit, shadowsIn(document, team));
}

/** Tokens per minute from which the team's shadow of a limit records calls; null where it has none, `unknown` where somebody has edited it. */
export function shadowValue(limit: Element, team: string): number | "unknown" | null {
  const shadows = shadowsBelow(rootOf(limit), team);
  const whole = shadows.filter((shadow) => shadow !== null);
  if (whole.length < shadows.length) return "unknown";
  const shadow = behind(limit, whole);
  return shadow === null ? null : (shadow.proposed ?? "unknown");
}

const rootOf = (element: Element): Element => ancestorsOf(element).at(-1) ?? element;

function behind(limit: Element, shadows: readonly Shadow[]): Shadow | null {
  const variable = variableOf(limit);
  const ancestors = ancestorsOf(limit);
  const found = shadows.find(
    ({ element }) =>
      element.span.start > limit.span.start && isIn(ancestors, element) && !setsBetween(rootOf(limit), variable, limit, element),
  );
  return found ?? null;
}

function setsBetween(root: Element, variable: string | null, limit: Element, shadow: Element): boolean {
  if (variable === null) return false;
  const between = [...descendants(root)].filter(({ span }) => span.start >= limit.span.end && span.end <= shadow.span.start);
  // In line with the limit: what stands in other branches is met by other calls.
  return between.some((element) => variableOf(element) === variable && isIn(ancestorsOf(limit), element));
}

const isIn = (parents: readonly Element[], { parent }: Element): boolean => parent !== null && parents.includes(parent);

function ancestorsOf(element: Element): readonly Element[] {
  const ancestors: Element[] = [];
  for (let { parent } = element; parent !== null; parent = parent.parent) ancestors.push(parent);
  return ancestors;
}

/** The team's shadows in a document. Throws `unsupported` for one that is no longer in its shape. */
export function shadowsIn({ root }: PolicyDocument, team: string): readonly Shadow[] {
  const shadows = root === null ? [] : shadowsBelow(root, team);
  return shadows.map((shadow) => shadow ?? refuse(team));
}

/** Told by what their traces say and by their shape; null for one that is no longer in its shape. */
function shadowsBelow(root: Element, team: string): readonly (Shadow | null)[] {
  const traces = [...descendants(root)].filter(
    (trace) =>
      trace.name === "trace" && attribute(trace, "source") === shadowCause && sameName(metadata(trace, "subscription") ?? "", team),
  );
  return traces.map((trace) => {
    const element = chooseAround(trace);
    const variable = /ContainsKey\("([^"]+)"\)/.exec(attribute(trace.parent ?? trace, "condition") ?? "")?.[1];
    if (element === null || variable === undefined) return null;
    const proposed = metadata(trace, "proposed-tpm") ?? "";
    return { element, proposed: /^\d+$/.test(proposed) ? Number(proposed) : null, variable };
  });
}

function refuse(team: string): never {
  throw new GatewayError(
    "unsupported",
    `A <trace> with the source '${shadowCause}' for '${team}' stands among other policies than those of a shadow limit.`,
    {
      hint: "Somebody has edited it: take it out with apply_policy, then plan the shadow limit again.",
    },
  );
}

/** The `choose` that holds a trace and its metric in its only branch, and nothing else. */
function chooseAround(trace: Element): Element | null {
  const when = trace.parent;
  const choose = when?.parent;
  if (when?.name !== "when" || choose?.name !== "choose" || childElements(choose).length !== 1) return null;
  return childElements(when).every(({ name }) => name === "trace" || name === "emit-metric") ? choose : null;
}

const metadata = (trace: Element, name: string): string | undefined => {
  const found = childElements(trace, "metadata").find((element) => attribute(element, "name") === name);
  return found === undefined ? undefined : attribute(found, "value");
};

/** The variable that a limit sets; null where it names none. */
const variableOf = (element: Element): string | null => attribute(element, variableAttribute)?.trim() || null;

function unusedVariable({ source }: PolicyDocument): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? ownVariable : `${ownVariable}-${number}`;
    if (!source.includes(`"${name}"`)) return name;
  }
}

function shadowXml({ subscription, enforced, proposed }: ShadowNumbers, variable: string): string {
  const name = JSON.stringify(variable);
  const conditions = [
    `context.Subscription?.Id == ${JSON.stringify(subscription.id)}`,
    `context.Variables.ContainsKey(${name})`,
    `long.TryParse(Convert.ToString(context.Variables[${name}]), out long left)`,
    `${enforced} - left > ${proposed}`,
  ];
  return `<choose>
    <when condition="${attributeText(`@(${conditions.join(" && ")})`, '"')}">
        <trace source="${shadowCause}" severity="information">
            <message>A limit of ${proposed} tokens per minute would have refused this call. It was let through.</message>
            <metadata name="subscription" value="${attributeText(subscriptionName(subscription), '"')}" />
            <metadata name="proposed-tpm" value="${proposed}" />
        </trace>
        <emit-metric name="${metricName}">
            <dimension name="Subscription ID" />
            <dimension name="Proposed TPM" value="${proposed}" />
        </emit-metric>
    </when>
</choose>`;
}
