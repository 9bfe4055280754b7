import type { ListedDocument } from "../gateway/documents.ts";
import { attribute } from "../policy/document.ts";
import type { Known } from "../policy/static/values.ts";
import { allSteps, type Step, type StepReader, type Steps } from "../policy/steps.ts";
import { backendIdOf, findBackend } from "./backend.ts";
import type { Followed } from "./followed.ts";

/** What a choice is made in. */
export interface World {
  readonly steps: Steps;
  readonly reader: StepReader;
  readonly backends: readonly ListedDocument[];
  /** What is known of expressions. */
  readonly followed: Followed;
}

/** What a `set-backend-service` selects. */
export interface Target {
  readonly kind: "backend" | "url";
  readonly backendId: string | null;
  readonly url: string | null;
  /** What decides at run time; null where the policy itself says the target. */
  readonly expression: string | null;
}

/**
 * The targets of one `set-backend-service`: one, or for an expression the values that it can have, or else the existing backends that it, and
 * the variables that it reads, name. Where none can be told, one target without backend and URL; none where the expression throws;
 * `unmet` where no call comes to it.
 */
export function targetsOf(step: Step, world: World): readonly Target[] | "unmet" {
  const { reader, backends } = world;
  const written = attribute(step.element, "backend-id");
  const kind = written === undefined ? "url" : "backend";
  const { text, missing } = reader.resolve((written ?? attribute(step.element, "base-url") ?? "").trim(), step.place.document);
  const known = world.followed.value(step, kind === "url" ? "base-url" : "backend-id");
  if (known === undefined) return "unmet";
  if (known?.kind === "throws") return [];
  const to = (target: string | null, expression: string | null): Target =>
    kind === "url"
      ? { kind, backendId: null, url: target, expression }
      : { kind, backendId: spelled(target, backends), url: null, expression };
  if (known?.kind === "constant" && typeof known.value === "string") return [to(known.value.trim(), null)];
  const values = known?.kind === "several" ? known.values.flatMap(({ value }) => (typeof value === "string" ? [value] : [])) : [];
  if (values.length > 0) return values.map((value) => to(value, text));
  if (missing.length === 0 && !isExpression(text)) return [to(text, null)];
  const candidates =
    kind === "url" ? [] : [fitting(known, backends), missing.length > 0 ? [] : backendsNamed(text, world)].find((ids) => ids.length > 0);
  return (candidates === undefined || candidates.length === 0 ? [null] : candidates).map((candidate) => to(candidate, text));
}

/** In the spelling of the backend that there is. */
function spelled(backendId: string | null, backends: readonly ListedDocument[]): string | null {
  const backend = backendId === null ? undefined : findBackend(backends, backendId);
  return backend === undefined ? backendId : backendIdOf(backend.id);
}

/** Backends whose ids are as what is known of a text: `pool-` and a header. */
function fitting(known: Known | null, backends: readonly ListedDocument[]): readonly string[] {
  if (known?.kind !== "unknown" || !known.parts.some((part) => typeof part === "string" && part.trim() !== "")) return [];
  const parts = known.parts.map((part) => (typeof part === "string" ? part.toLowerCase() : null));
  return backends.map(({ id }) => backendIdOf(id)).filter((id) => fits(id.toLowerCase(), parts));
}

/** Whether a text is these parts in their order, null for any text: without going back, however many there are. */
function fits(text: string, parts: readonly (string | null)[]): boolean {
  let at = 0;
  let isOpen = false;
  for (const [index, part] of parts.entries()) {
    if (part === null) {
      isOpen = true;
      continue;
    }
    const isLast = index === parts.length - 1;
    const found = isOpen && isLast ? text.length - part.length : isOpen ? text.indexOf(part, at) : at;
    if (found < at || !text.startsWith(part, found)) return false;
    at = found + part.length;
    isOpen = false;
  }
  return isOpen || at === text.length;
}

const isExpression = (text: string): boolean => /^@[({]/.test(text);

/** Backends whose ids stand in the expression, or in the values of variables that it reads, directly or through others. */
function backendsNamed(expression: string, { steps, reader, backends }: World): readonly string[] {
  const texts = [expression];
  const read = new Set<string>();
  // `texts` grows while it is walked: a variable's value may read other variables.
  for (const text of texts) {
    for (const name of variablesIn(text).filter((variable) => !read.has(variable))) {
      read.add(name);
      texts.push(...valuesOf(name, steps, reader));
    }
  }
  return backends.map(({ id }) => backendIdOf(id)).filter((id) => texts.some((text) => names(text, id)));
}

/** Whether a text is this id, or holds it as a quoted string. */
function names(text: string, id: string): boolean {
  const lower = text.trim().toLowerCase();
  const wanted = id.toLowerCase();
  return lower === wanted || lower.includes(`"${wanted}"`) || lower.includes(`'${wanted}'`);
}

/** Names of the context variables that an expression reads. */
function variablesIn(expression: string): readonly string[] {
  const reads = /\bVariables\s*(?:\[|\.\s*(?:GetValueOrDefault|TryGetValue)\s*(?:<[^()]*>)?\s*\()\s*"([^"]+)"/g;
  return [...expression.matchAll(reads)].map(([, name]) => name ?? "");
}

/** The values that the policies of a call may give to a variable. */
function valuesOf(name: string, { inbound, backend }: Steps, reader: StepReader): readonly string[] {
  return [...allSteps([...inbound, ...backend])]
    .filter(({ element }) => element.name === "set-variable" && attribute(element, "name") === name)
    .map(({ element, place }) => reader.resolve(attribute(element, "value") ?? "", place.document).text);
}
