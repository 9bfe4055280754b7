import type { ListedDocument } from "../gateway/documents.ts";
import { attribute } from "../policy/document.ts";
import { allSteps, type Step, type StepReader, type Steps } from "../policy/steps.ts";
import { backendIdOf, findBackend } from "./backend.ts";

/** What a `set-backend-service` selects. */
export interface Target {
  readonly kind: "backend" | "url";
  readonly backendId: string | null;
  readonly url: string | null;
  /** What decides at run time; null where the policy itself says the target. */
  readonly expression: string | null;
}

/**
 * The targets of one `set-backend-service`: one, or for an expression the existing backends that it, and the variables
 * that it reads, name. Where none can be told, one target without backend and URL.
 */
export function targetsOf(step: Step, steps: Steps, reader: StepReader, backends: readonly ListedDocument[]): readonly Target[] {
  const backendId = attribute(step.element, "backend-id");
  const kind = backendId === undefined ? "url" : "backend";
  const { text, missing } = reader.resolve((backendId ?? attribute(step.element, "base-url") ?? "").trim());
  if (missing.length > 0) return [{ kind, backendId: null, url: null, expression: text }];
  if (isExpression(text)) {
    const named = kind === "url" ? [] : backendsNamed(text, steps, reader, backends);
    return (named.length === 0 ? [null] : named).map((candidate) => ({ kind, backendId: candidate, url: null, expression: text }));
  }
  if (kind === "url") return [{ kind, backendId: null, url: text, expression: null }];
  const backend = findBackend(backends, text);
  return [{ kind, backendId: backend === undefined ? text : backendIdOf(backend.id), url: null, expression: null }];
}

const isExpression = (text: string): boolean => /^@[({]/.test(text);

/** Backends whose ids stand in the expression, or in the values of variables that it reads, directly or through others. */
function backendsNamed(expression: string, steps: Steps, reader: StepReader, backends: readonly ListedDocument[]): readonly string[] {
  const texts = [expression];
  const read = new Set<string>();
  // `texts` grows while it is walked: a variable's value may read other variables.
  for (const text of texts) {
    for (const name of variablesIn(text).filter((variable) => !read.has(variable))) {
      read.add(name);
      texts.push(...valuesOf(name, steps).map((value) => reader.resolve(value).text));
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
function valuesOf(name: string, { inbound, backend }: Steps): readonly string[] {
  return [...allSteps([...inbound, ...backend])]
    .filter(({ element }) => element.name === "set-variable" && attribute(element, "name") === name)
    .map(({ element }) => attribute(element, "value") ?? "");
}
