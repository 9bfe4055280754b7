import { createTwoFilesPatch, FILE_HEADERS_ONLY } from "diff";
import { type DocumentId, documentKind, type JsonObject } from "../gateway/documents.ts";
import { openRedaction, type Redaction } from "../policy/redaction.ts";
import type { DocumentDiff } from "./types.ts";

const contextLines = 3;

/**
 * What happens to one document, as a unified diff: policy XML by line, everything else as pretty-printed JSON. Keys in clear
 * are shown as marks; `redaction` is that of the whole answer.
 */
export function documentDiff(
  id: DocumentId,
  before: JsonObject | null,
  after: JsonObject | null,
  redaction: Redaction = openRedaction(),
): DocumentDiff {
  const diff = unifiedDiff(id, { name: id, properties: before }, { name: id, properties: after }, redaction);
  return { id, action: actionOf(before, after), diff };
}

export function actionOf(before: unknown, after: unknown): DocumentDiff["action"] {
  if (before === null) return "create";
  return after === null ? "delete" : "update";
}

/** One side of a diff: the name that its header gives it, and the content; null where there is no document. */
interface DiffSide {
  readonly name: string;
  readonly properties: JsonObject | null;
}

export function unifiedDiff(id: DocumentId, from: DiffSide, to: DiffSide, redaction: Redaction = openRedaction()): string {
  const name = (side: DiffSide) => (side.properties === null ? "/dev/null" : side.name);
  const textOf = ({ properties }: DiffSide) =>
    properties === null
      ? ""
      : contentsOf(id, redaction.properties(id, properties))
          .map(({ text }) => text)
          .join("");
  return twoTexts(name(from), name(to), textOf(from), textOf(to));
}

const twoTexts = (from: string, to: string, before: string, after: string): string =>
  createTwoFilesPatch(from, to, before, after, undefined, undefined, { context: contextLines, headerOptions: FILE_HEADERS_ONLY });

/**
 * What happens to one document as a patch for `git apply` or `patch -p1` over files named by document: `<id>.xml` has the text
 * of a policy or fragment, `<id>.json` the properties of anything else, and what a fragment has besides its text. Lines end
 * with a line feed. Empty where nothing happens.
 */
export function documentPatch(id: DocumentId, before: JsonObject | null, after: JsonObject | null, redaction: Redaction): string {
  const [from, to] = [before, after].map((properties) => (properties === null ? [] : contentsOf(id, redaction.properties(id, properties))));
  const files = [...new Set([...(from ?? []), ...(to ?? [])].map(({ extension }) => extension))];
  const textIn = (contents: readonly Content[] | undefined, wanted: string) =>
    contents?.find(({ extension }) => extension === wanted)?.text ?? null;
  return files.map((extension) => filePatch(`${id}.${extension}`, textIn(from, extension), textIn(to, extension))).join("");
}

function filePatch(file: string, before: string | null, after: string | null): string {
  if (before === after) return "";
  const mode = before === null ? ["new file mode 100644"] : after === null ? ["deleted file mode 100644"] : [];
  const [from, to] = [before === null ? "/dev/null" : `a/${file}`, after === null ? "/dev/null" : `b/${file}`];
  return `${[`diff --git a/${file} b/${file}`, ...mode].join("\n")}\n${twoTexts(from, to, before ?? "", after ?? "")}`;
}

/** A part of a document as a file would have it. */
interface Content {
  readonly extension: "xml" | "json";
  /** As lines; line endings apart, since APIM sets them itself. */
  readonly text: string;
}

function contentsOf(id: DocumentId, properties: JsonObject): readonly Content[] {
  const kind = documentKind(id);
  if (kind !== "policy" && kind !== "fragment") return [json(properties)];
  const { value, format: _, ...rest } = properties;
  const xml: Content = { extension: "xml", text: asLines(typeof value === "string" ? value : "") };
  return Object.keys(rest).length === 0 ? [xml] : [xml, json(rest)];
}

const json = (properties: JsonObject): Content => ({ extension: "json", text: asLines(JSON.stringify(properties, null, 2)) });

const asLines = (text: string): string => `${text.replace(/\r\n?/g, "\n").replace(/\n$/, "")}\n`;
