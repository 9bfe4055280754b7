import { selectBackend } from "../backends/select.ts";
import { type BackendTarget, type Call, type Flow, PolicyError, type PolicyNode } from "../policy.ts";
import { listIn, memberOf, parsedJson } from "../untyped.ts";

/**
 * `llm-content-safety` (https://learn.microsoft.com/azure/api-management/llm-content-safety-policy): has Azure AI Content Safety look at the text of
 * the prompt, and of a completion where `enforce-on-completions` says so; 403 where it finds something, 500 where it cannot be asked or fails.
 * Measured: the words of the 403, which is also the answer where the service refuses the request: without credentials, or because the text is too long
 * (of which the page says 500). Assumed: the reason's name and the words of the 500; streamed completions are not looked at.
 */
export async function contentSafety(node: PolicyNode, call: Call): Promise<Flow> {
  const shield = await call.boolean(node, "shield-prompt", false);
  await inspect(node, call, textsIn(await call.requestText()), shield);
  if (await call.boolean(node, "enforce-on-completions", false)) {
    call.onResponse(async ({ headers }) => {
      if (headers.get("content-type")?.startsWith("text/event-stream") === true) return;
      await inspect(node, call, textsIn(await call.responseText()), false);
    });
  }
  return "next";
}

async function inspect(node: PolicyNode, call: Call, text: string, shield: boolean): Promise<void> {
  if (text === "") return;
  const backendId = await call.text(node, "backend-id");
  const target = await selectBackend(call, backendId);
  if (target === null) throw unavailable(node, `backend '${backendId}' is unavailable`);
  const service = { node, call, target };
  if (shield && attackIn(await ask(service, "text:shieldPrompt", { userPrompt: text, documents: [] }))) throw blocked(node);
  const { categories, request } = await checks(node, call, text);
  if (request !== null && objectionIn(await ask(service, "text:analyze", request), categories)) throw blocked(node);
}

interface Checks {
  /** The severity from which on a category is refused. */
  readonly categories: ReadonlyMap<string, number>;
  /** Null where the policy names neither categories nor blocklists. */
  readonly request: Readonly<Record<string, unknown>> | null;
}

async function checks(node: PolicyNode, call: Call, text: string): Promise<Checks> {
  const categories = new Map<string, number>();
  const blocklistNames: string[] = [];
  let outputType = "FourSeverityLevels";
  for (const part of node.children) {
    if (part.name === "categories") outputType = await call.text(part, "output-type", outputType);
    for (const child of part.children) {
      if (child.name === "category") categories.set(await call.text(child, "name"), await call.number(child, "threshold"));
      if (child.name === "id") blocklistNames.push(await call.content(child));
    }
  }
  if (categories.size === 0 && blocklistNames.length === 0) return { categories, request: null };
  return { categories, request: { text, categories: [...categories.keys()], blocklistNames, outputType } };
}

const attackIn = (answer: unknown): boolean => memberOf(memberOf(answer, "userPromptAnalysis"), "attackDetected") === true;

function objectionIn(answer: unknown, categories: Checks["categories"]): boolean {
  const found = (listIn(memberOf(answer, "categoriesAnalysis")) ?? []).some((analysis) => {
    const [category, severity] = [memberOf(analysis, "category"), memberOf(analysis, "severity")];
    const threshold = typeof category === "string" ? categories.get(category) : undefined;
    return threshold !== undefined && typeof severity === "number" && severity >= threshold;
  });
  return found || (listIn(memberOf(answer, "blocklistsMatch")) ?? []).length > 0;
}

interface Service {
  readonly node: PolicyNode;
  readonly call: Call;
  readonly target: BackendTarget;
}

const apiVersion = "2024-09-01";

async function ask({ node, call, target }: Service, operation: string, body: unknown): Promise<unknown> {
  const url = new URL(target.url);
  url.pathname = `${url.pathname.replace(/\/$/, "")}/contentsafety/${operation}`;
  url.searchParams.set("api-version", apiVersion);
  const headers = new Headers(target.headers);
  headers.set("content-type", "application/json");
  const answer = await call.send(new Request(url, { method: "POST", headers, body: JSON.stringify(body) }), call.signal);
  if (answer.status >= 400 && answer.status < 500) throw blocked(node);
  if (!answer.ok) throw unavailable(node, `${operation} answered ${answer.status}`);
  return parsedJson(await answer.text());
}

const blocked = ({ name }: PolicyNode): PolicyError =>
  new PolicyError(
    { source: name, reason: "ContentSafetyViolation", message: "Request failed content safety check." },
    { status: 403, reason: "Forbidden" },
  );

const unavailable = ({ name }: PolicyNode, why: string): PolicyError =>
  new PolicyError({ source: name, reason: "ContentSafetyUnavailable", message: `Content safety could not be checked: ${why}.` });

/** All text of a prompt or completion, put together as the policy's page says. */
function textsIn(body: string): string {
  const message = parsedJson(body);
  const parts = ["messages", "input", "prompt", "instructions", "choices", "output"].map((name) => memberOf(message, name));
  return parts.flatMap((part) => textsOf(part)).join("\n");
}

const textMembers = ["content", "text", "message"];
/** What is nested deeper is no model's request. */
const deepest = 10;

function textsOf(part: unknown, depth = 0): readonly string[] {
  if (typeof part === "string") return part === "" ? [] : [part];
  if (depth > deepest) return [];
  const inside = listIn(part) ?? textMembers.map((name) => memberOf(part, name)).filter((member) => member !== null);
  return inside.flatMap((member) => textsOf(member, depth + 1));
}
