import * as z from "zod";
import { GatewayError } from "../src/errors.ts";
import { documentTitle, type ListedDocument, policyDocumentId, policyText } from "../src/gateway/documents.ts";
import { type PolicyTexts, readPolicyTexts } from "../src/gateway/inventory.ts";
import type { GatewayReader } from "../src/gateway/ports.ts";
import { type CallTarget, callTarget, policyTarget, type TargetNames } from "../src/gateway/targets.ts";
import { defineTool, fenced, lines, targetInputs } from "../src/tool.ts";

const views = ["outline", "document", "effective"] as const;

export const getPolicy = defineTool({
  name: "get_policy",
  title: "Get a policy",
  description:
    "A policy as outline (lines, and the names for paths of edits), as XML (document), or as calls meet it, all scopes merged (effective: product_id may go with api_id).",
  effect: "read",
  toolset: "policies",
  input: z.strictObject({
    ...targetInputs,
    api_id: targetInputs.api_id.describe("In a workspace: workspaces/<id>/apis/<id>"),
    view: z.enum(views).default("outline"),
    from_line: z.int().min(1).default(1).describe("Of the view's lines"),
  }),
  output: z.object({
    service: z.string(),
    target: z.string(),
    documents: z.array(z.string()),
    view: z.enum(views),
    text: z.string(),
    left_out: z.int().describe("Lines behind text"),
    next_line: z.int().optional(),
    notes: z.array(z.string()),
  }),
  async handler({ service, gateway }, { view, from_line, ...names }) {
    const { rows, ...shown } = view === "effective" ? await effectiveView(gateway, names) : await documentView(gateway, names, view);
    return { service, view, ...shown, ...page(rows, from_line, view === "document" || from_line > 1 ? longPage : shortPage) };
  },
  render: ({ service, target, documents, view, text, left_out, next_line, notes }) =>
    lines(
      `${view === "effective" ? "Policies in effect for" : `Policy (${view}) of`} ${target} on ${service}: ${documents.join(", ") || "none"}`,
      text !== "" && fenced(text, view === "document" ? "xml" : ""),
      left_out > 0 && `${left_out} lines left out: from_line ${next_line}.`,
      ...notes.map((note) => `Note: ${note}`),
    ),
});

/** What an overview may come to; a reader who asks for a document, or for more of an overview, gets more at once. */
const shortPage = 1_400;
const longPage = 12_000;

interface Shown {
  readonly target: string;
  /** Those that exist, the narrowest scope first. */
  readonly documents: readonly string[];
  readonly rows: readonly string[];
  readonly notes: readonly string[];
}

async function documentView(gateway: GatewayReader, names: TargetNames, view: "outline" | "document"): Promise<Shown> {
  if (names.api_id !== undefined && names.product_id !== undefined) {
    throw new GatewayError("invalid_input", `View ${view} shows one document: of the API or of the product.`, {
      hint: "Give one of them; view effective shows what calls to the API with the product's subscription meet.",
    });
  }
  const id = policyDocumentId(await policyTarget(gateway, names));
  const document = await gateway.document(id);
  const target = documentTitle(id).replace(/ policy$/, "");
  if (document === null) {
    return { target, documents: [], rows: [], notes: ["It has no policy of its own and inherits; view effective shows what."] };
  }
  const { openRedaction } = await import("../src/policy/redaction.ts");
  const source = openRedaction().policy(policyText(document));
  if (view === "document") return { target, documents: [id], rows: source.split(/\r\n|\n|\r/), notes: await notesOnKeys(source) };
  const [{ outline }, { parse }] = await Promise.all([import("../src/policy/outline.ts"), import("../src/policy/document.ts")]);
  return { target, documents: [id], rows: outline(parse(source)), notes: [] };
}

/** A text that is sent back with marks in it would write these over the keys. */
async function notesOnKeys(shown: string): Promise<readonly string[]> {
  const { redactionMarkIn } = await import("../src/policy/redaction.ts");
  if (redactionMarkIn(shown) === null) return [];
  return ["Keys in clear are shown as [redacted:n]. apply_policy refuses a policy_xml with such a mark: use edits, which keep the rest."];
}

/** The texts with marks in the place of keys, the same key always alike. */
async function withoutKeys({ policies, fragments, namedValues }: PolicyTexts): Promise<PolicyTexts> {
  const { openRedaction } = await import("../src/policy/redaction.ts");
  const redaction = openRedaction();
  const shown = <D extends ListedDocument>(document: D): D => ({
    ...document,
    properties: redaction.properties(document.id, document.properties),
  });
  return {
    policies: new Map([...policies].map(([id, document]) => [id, shown(document)])),
    fragments: fragments.map(shown),
    namedValues: namedValues.map(shown),
  };
}

async function effectiveView(gateway: GatewayReader, names: TargetNames): Promise<Shown> {
  const [target, { effective }, { effectiveOutline }, { policyChain }] = await Promise.all([
    callTarget(gateway, names),
    import("../src/policy/effective.ts"),
    import("../src/policy/outline.ts"),
    import("../src/policy/steps.ts"),
  ]);
  const chain = policyChain(target);
  const texts = await withoutKeys(await readPolicyTexts(gateway, chain));
  const { elements, unknownNamedValues } = effective(texts, target);
  const missing = elements.filter(({ name, includedAt }) => name === "include-fragment" && includedAt === null);
  return {
    target: callTitle(target),
    documents: chain.filter((id) => texts.policies.has(id)),
    rows: effectiveOutline(elements),
    notes: [
      ...(target.products.length === 0
        ? []
        : [`Calls with a product's subscription meet its policy too: product_id ${target.products.join(" or ")}.`]),
      ...missing.map(({ attributes }) => `Fragment '${attributes["fragment-id"] ?? ""}' does not exist.`),
      ...(unknownNamedValues.length === 0 ? [] : [`Secret or missing named values: ${unknownNamedValues.join(", ")}.`]),
    ],
  };
}

function callTitle({ workspaceId, apiId, operationId, productId }: CallTarget): string {
  const parts = [
    ...(apiId === null ? [] : [operationId === null ? `API '${apiId}'` : `operation '${apiId}/${operationId}'`]),
    ...(productId === null ? [] : [`product '${productId}'`]),
  ];
  const workspace = workspaceId === undefined ? null : `workspace '${workspaceId}'`;
  if (parts.length === 0) return workspace === null ? "every call" : `every call to ${workspace}`;
  return [...(workspace === null ? [] : [workspace]), parts.join(" with ")].join(" ");
}

/** The rows from a line on, as many as the page holds; a single one that it does not hold is cut. */
function page(rows: readonly string[], from: number, size: number) {
  const rest = rows.slice(from - 1);
  const [first = ""] = rest;
  if (from > 1 && rest.length === 0) {
    throw new GatewayError("invalid_input", `There is no line ${from}.`, { hint: `This view has ${rows.length} lines.` });
  }
  let shown = 0;
  for (let length = 0; shown < rest.length; shown++) {
    length += (rest[shown] ?? "").length + 1;
    if (length > size && shown > 0) break;
  }
  const cut = first.length > size ? `${first.slice(0, size)}... (${first.length - size} characters of this line left out)` : null;
  const leftOut = rest.length - shown;
  return {
    text: cut === null ? rest.slice(0, shown).join("\n") : cut,
    left_out: leftOut,
    ...(leftOut === 0 ? {} : { next_line: from + shown }),
  };
}
