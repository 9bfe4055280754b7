import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { type DocumentId, documentKind, type JsonObject } from "../gateway/documents.ts";
import type { DocumentDiff } from "./types.ts";

const contextLines = 3;

/** What happens to one document, as a unified diff: policy XML by line, everything else as pretty-printed JSON. */
export function documentDiff(id: DocumentId, before: JsonObject | null, after: JsonObject | null): DocumentDiff {
  return { id, action: actionOf(before, after), diff: unifiedDiff(id, { name: id, properties: before }, { name: id, properties: after }) };
}

export function actionOf(before: unknown, after: unknown): DocumentDiff["action"] {
  if (before === null) return "create";
  return after === null ? "delete" : "update";
}

/** One side of a diff: the name that its header gives it, and the content; null where there is no document. */
export interface DiffSide {
  readonly name: string;
  readonly properties: JsonObject | null;
}

export function unifiedDiff(id: DocumentId, from: DiffSide, to: DiffSide): string {
  const name = (side: DiffSide) => (side.properties === null ? "/dev/null" : side.name);
  return createTwoFilesPatch(name(from), name(to), textOf(id, from.properties), textOf(id, to.properties), undefined, undefined, {
    context: contextLines,
    headerOptions: FILE_HEADERS_ONLY,
  });
}

/** A document as lines; line endings apart, since APIM sets them itself. */
function textOf(id: DocumentId, properties: JsonObject | null): string {
  if (properties === null) return "";
  return lines(id, properties)
    .map((part) => `${part.replace(/\r\n?/g, "\n").replace(/\n$/, "")}\n`)
    .join("");
}

function lines(id: DocumentId, properties: JsonObject): readonly string[] {
  const kind = documentKind(id);
  if (kind !== "policy" && kind !== "fragment") return [JSON.stringify(properties, null, 2)];
  const { value, format: _, ...rest } = properties;
  const xml = typeof value === "string" ? value : "";
  return Object.keys(rest).length === 0 ? [xml] : [xml, JSON.stringify(rest, null, 2)];
}
