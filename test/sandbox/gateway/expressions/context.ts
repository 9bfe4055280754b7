import { loadGrammar } from "../../../../src/grammar.ts";
import type { BodyView, ExpressionContext, HeadersView, UrlView } from "../../../../src/sandbox/gateway/context.ts";
import { compile } from "../../../../src/sandbox/gateway/expressions/compile.ts";
import { ExpressionError } from "../../../../src/sandbox/gateway/expressions/errors.ts";
import { toText, type Value } from "../../../../src/sandbox/gateway/expressions/values.ts";

export const csharp = await loadGrammar();

export function urlView(address: string): UrlView {
  const url = new URL(address);
  const names = [...new Set(url.searchParams.keys())];
  return {
    scheme: url.protocol.slice(0, -1),
    host: url.hostname,
    port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port),
    path: url.pathname,
    queryString: url.search,
    query: new Map(names.map((name) => [name, url.searchParams.getAll(name)])),
  };
}

export function headersView(headers: Readonly<Record<string, readonly string[]>>): HeadersView {
  const entries = Object.entries(headers);
  return {
    get: (name) => entries.find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1],
    entries: () => entries,
  };
}

/** A body that can be read once, unless it is preserved. */
export function bodyView(text: string): BodyView {
  let isGone = false;
  return {
    read(preserveContent) {
      if (isGone) throw new ExpressionError("InvalidOperationException", "The body has been read already.");
      isGone = !preserveContent;
      return text;
    },
  };
}

export const chatRequest = JSON.stringify({
  model: "gpt-4o",
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "Hello" },
  ],
  max_tokens: 100,
  stream: false,
});

/** A call of a chat completion, after the backend has answered; what a test is about is given. */
export function contextWith(changes: Partial<ExpressionContext> = {}): ExpressionContext {
  const url = "https://gateway.test:8443/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01&tag=a&tag=b";
  let draws = 0;
  return {
    requestId: "6f9619ff-8b86-d011-b42d-00c04fc964ff",
    timestamp: new Date("2026-03-05T14:07:09.123Z"),
    elapsedMs: () => 1500,
    random: () => [0.5, 0.25, 0.75][draws++ % 3] ?? 0,
    tracing: false,
    api: {
      id: "openai",
      name: "OpenAI",
      path: "openai",
      revision: "1",
      version: null,
      serviceUrl: null,
      isCurrentRevision: true,
      subscriptionKeyParameterNames: { header: "api-key", query: "subscription-key" },
    },
    operation: { id: "chat", name: "Chat", method: "POST", urlTemplate: "/deployments/{deployment-id}/chat/completions" },
    product: { id: "growth", name: "Growth", subscriptionRequired: true },
    subscription: { id: "sub-1", name: "Growth team", createdDate: new Date("2026-01-01T00:00:00Z"), primaryKey: "k1", secondaryKey: "k2" },
    user: null,
    deployment: { region: "East US", serviceName: "apim-prod", serviceId: "apim-prod", gatewayId: "managed" },
    backend: null,
    request: {
      method: "POST",
      url: urlView(url),
      originalUrl: urlView(url.replace("/openai/", "/v1/openai/")),
      ipAddress: "203.0.113.7",
      headers: headersView({ "Content-Type": ["application/json"], "X-Team": ["growth"], Accept: ["text/plain", "application/json"] }),
      matchedParameters: new Map([["deployment-id", "gpt-4o"]]),
      body: bodyView(chatRequest),
    },
    response: {
      statusCode: 429,
      statusReason: "Too Many Requests",
      headers: headersView({ "Retry-After": ["30"] }),
      body: bodyView('{"usage":{"prompt_tokens":9,"total_tokens":21},"choices":[{"message":{"content":"Hi"}}]}'),
    },
    lastError: null,
    variables: new Map<string, Value>([
      ["name", "growth"],
      ["count", 3],
      ["big", 5_000_000_000n],
      ["enabled", true],
    ]),
    trace: () => undefined,
    ...changes,
  };
}

export function evaluate(code: string, context: ExpressionContext = contextWith()): Value {
  return compile(csharp, code).evaluate(context);
}

/** What an expression's value is as text, or its error: `exception: message`. */
export function shown(code: string, context: ExpressionContext = contextWith()): string {
  try {
    return toText(evaluate(code, context));
  } catch (error) {
    if (error instanceof ExpressionError) return `${error.exception}: ${error.message}`;
    throw error;
  }
}
